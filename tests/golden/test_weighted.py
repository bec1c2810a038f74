"""Weighted sums, means and statistics agree with published numbers and with the libraries that have them."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.utils.rnn import pack_padded_sequence

from seqpool.poolers.frequency import smooth_inverse_frequency
from seqpool.poolers.gated import GatedSumPooler
from seqpool.poolers.positional import DecayMeanPooler, PositionWeightedMeanPooler
from seqpool.poolers.weighted import WeightedMeanPooler, WeightedStatisticsPooler, WeightedSumPooler

LENGTHS = [6, 1, 4]


def batch() -> tuple[Tensor, Tensor]:
    """Steps and weights `(3, 6, *)`, NaN on padding."""
    padding = torch.arange(6) >= torch.tensor(LENGTHS)[:, None]
    x, weights = torch.randn(3, 6, 2, dtype=torch.float64), torch.rand(3, 6, dtype=torch.float64) + 0.1
    return x.masked_fill(padding.unsqueeze(2), math.nan), weights.masked_fill(padding, math.nan)


# pyannote.audio, tests/test_stats_pool.py: x is [2, 4], then [1, 1]; weights of one or two speakers.
@pytest.mark.parametrize(
    ("steps", "weights", "expected"),
    [
        ([2.0, 4.0], [1.0, 1.0], [3.0, 1.4142]),
        ([2.0, 4.0], [0.5, 0.01], [2.0392, 1.4142]),
        ([2.0, 4.0], [0.1, 0.2], [3.3333, 1.4142]),
        ([2.0, 4.0], [0.2, 0.3], [3.2, 1.4142]),
        ([1.0, 1.0], [0.2, 0.1], [1.0, 0.0]),
        ([1.0, 1.0], [0.001, 0.001], [1.0, 0.0]),
        ([1.0, 1.0], [0.2, 0.3], [1.0, 0.0]),
    ],
)
def test_pyannote_weighted_statistics(steps: list[float], weights: list[float], expected: list[float]) -> None:
    pooled = WeightedStatisticsPooler()(torch.tensor(steps).view(1, 2, 1), weights=torch.tensor([weights]))
    assert torch.equal(pooled.round(decimals=4), torch.tensor([expected]))


def test_statistics_are_those_of_numpy_under_reliability_weights() -> None:
    x, weights = batch()
    pooled = WeightedStatisticsPooler()(x, lengths=LENGTHS, weights=weights)
    for b in (0, 2):
        real, w = x[b, : LENGTHS[b]].numpy(), weights[b, : LENGTHS[b]].numpy()
        std = np.sqrt(np.diag(np.cov(real, rowvar=False, aweights=w)))
        np.testing.assert_allclose(pooled[b], np.concatenate([np.average(real, axis=0, weights=w), std]))
    torch.testing.assert_close(pooled[1], torch.cat([x[1, 0], torch.zeros_like(x[1, 0])]))


def test_equal_weights_give_the_standard_deviation_of_torch() -> None:
    x = torch.randn(2, 5, 3, dtype=torch.float64)
    pooled = WeightedStatisticsPooler()(x, weights=torch.full((2, 5), 0.3, dtype=torch.float64))
    torch.testing.assert_close(pooled, torch.cat([x.mean(1), x.std(1)], 1))


def test_a_large_mean_costs_the_weighted_deviation_no_digits() -> None:
    x = 1000 + 0.01 * torch.randn(1, 5000, 1, dtype=torch.float64)
    weights = torch.rand(1, 5000)
    deviation = WeightedStatisticsPooler()(x.float(), weights=weights)[0, 1].item()
    assert deviation == pytest.approx(math.sqrt(np.cov(x.flatten(), aweights=weights.flatten())), rel=1e-2)


def test_one_weight_that_is_not_zero_has_no_spread() -> None:
    x = torch.randn(1, 3, 4, requires_grad=True)
    pooled = WeightedStatisticsPooler()(x, weights=torch.tensor([[0.0, 0.1, 0.0]]))
    torch.testing.assert_close(pooled, torch.cat([x[:, 1], torch.zeros(1, 4)], 1))
    pooled.sum().backward()
    assert x.grad is not None
    torch.testing.assert_close(x.grad[0], torch.tensor([0.0, 1.0, 0.0]).unsqueeze(1).expand(3, 4))


@pytest.mark.parametrize("pooler", [WeightedMeanPooler(), WeightedStatisticsPooler()])
@pytest.mark.parametrize("weights", [[0.0, 0.0], [1.0, -1.0]])
def test_weights_that_sum_to_zero_give_zeros(pooler: WeightedMeanPooler, weights: list[float]) -> None:
    x = torch.randn(1, 2, 3, requires_grad=True)
    w = torch.tensor([weights], requires_grad=True)
    pooled = pooler(x, weights=w)
    assert torch.equal(pooled, torch.zeros(1, pooler.out_features(3)))
    gradients = torch.autograd.grad(pooled.sum(), [x, w])
    assert not any(gradient.any() for gradient in gradients)


def test_weighted_sum_and_mean_by_hand_in_every_layout() -> None:
    x = torch.tensor([[[2.0], [4.0], [math.nan]], [[10.0], [20.0], [30.0]]])
    weights = torch.tensor([[3.0, 1.0, math.nan], [0.0, 0.5, 1.5]])
    lengths = [2, 3]
    real = torch.arange(3) < torch.tensor(lengths)[:, None]
    packed, packed_weights = (
        pack_padded_sequence(t, lengths, batch_first=True, enforce_sorted=False) for t in (x, weights)
    )
    for pooler, expected in ((WeightedSumPooler(), [[10.0], [55.0]]), (WeightedMeanPooler(), [[2.5], [27.5]])):
        assert pooler(x, lengths=lengths, weights=weights).tolist() == expected
        assert pooler(x.transpose(0, 1), mask=real, batch_first=False, weights=weights.T).tolist() == expected
        assert pooler(x[real], offsets=[0, 2, 5], weights=weights[real]).tolist() == expected
        assert pooler(packed, weights=packed_weights).tolist() == expected


def test_position_weights_by_hand_on_either_side_of_the_padding_and_over_a_hole() -> None:
    # SGPT, equation 2: weights i / sum i, here 1/6, 2/6, 3/6.
    x = torch.tensor([[6.0, math.nan, 12.0, 18.0]]).unsqueeze(2)
    pooler = PositionWeightedMeanPooler()
    expected = [[1.0 + 4.0 + 9.0]]
    assert pooler(x, mask=torch.tensor([[1, 0, 1, 1]])).tolist() == expected
    real = x[:, [0, 2, 3]]
    assert pooler(torch.cat([real, x[:, 1:2]], 1), lengths=[3]).tolist() == expected
    assert pooler(torch.cat([x[:, 1:2], real], 1), mask=torch.tensor([[0, 1, 1, 1]])).tolist() == expected


def test_position_weights_agree_with_sentence_transformers() -> None:
    models = pytest.importorskip("sentence_transformers.models", reason="sentence-transformers is not installed")
    x = torch.randn(3, 6, 4)
    mask = (torch.arange(6) < torch.tensor(LENGTHS)[:, None]).long()
    features = {"token_embeddings": x, "attention_mask": mask}
    theirs = models.Pooling(4, pooling_mode="weightedmean")(features)["sentence_embedding"]
    torch.testing.assert_close(PositionWeightedMeanPooler()(x, mask=mask), theirs)


def test_position_weights_of_a_long_sequence_fit_half_precision() -> None:
    # Their sum, 12,502,500, is far above the largest half, 65,504.
    x = torch.full((1, 5000, 2), 60000.0, dtype=torch.float16)
    assert PositionWeightedMeanPooler()(x).tolist() == [[60000.0, 60000.0]]


def test_decaying_weights_by_hand() -> None:
    # Half-life 1: weights 1/4, 1/2, 1, so (1*4 + 2*8 + 4*12) / 7.
    x = torch.tensor([[[4.0], [8.0], [12.0], [math.nan]]])
    assert DecayMeanPooler(1.0)(x, lengths=[3]).item() == pytest.approx(68 / 7)


@pytest.mark.parametrize("half_life", [0.5, 2.0, 30.0])
def test_decaying_weights_agree_with_pandas(half_life: float) -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    x, _ = batch()
    pooled = DecayMeanPooler(half_life)(x, lengths=LENGTHS)
    for b, n in enumerate(LENGTHS):
        theirs = pandas.DataFrame(x[b, :n].numpy()).ewm(halflife=half_life).mean().iloc[-1]
        np.testing.assert_allclose(pooled[b], theirs)


def test_gates_by_hand() -> None:
    # sigmoid(ln 3) = 3/4, sigmoid(0) = 1/2.
    pooler = GatedSumPooler(2)
    with torch.no_grad():
        pooler.gate.weight.copy_(torch.tensor([[math.log(3), 0.0]]))
        pooler.gate.bias.zero_()
    x = torch.tensor([[[1.0, 8.0], [0.0, 4.0], [math.nan, math.nan]]])
    torch.testing.assert_close(pooler(x, lengths=[2]), torch.tensor([[0.75, 8.0]]))


def test_smooth_inverse_frequency_by_hand() -> None:
    # Arora 2017: a / (a + p). With a = 1e-3, p = 0.001 weighs one half; a word never seen weighs 1, as in the
    # authors' code.
    weights = smooth_inverse_frequency(torch.tensor([996, 3, 1, 0]))
    torch.testing.assert_close(weights, torch.tensor([1 / 997, 0.25, 0.5, 1.0]))
    torch.testing.assert_close(smooth_inverse_frequency(torch.tensor([1, 1]), a=0.5), torch.tensor([0.5, 0.5]))
    assert smooth_inverse_frequency(torch.zeros(3)).tolist() == [1.0, 1.0, 1.0]


def test_smooth_inverse_frequency_refuses() -> None:
    with pytest.raises(ValueError, match="a must be above 0, 0 came: leave it out for 1e-3"):
        smooth_inverse_frequency(torch.ones(2), a=0)
    with pytest.raises(ValueError, match="counts must not be negative, -1 came: count the tokens of a corpus"):
        smooth_inverse_frequency(torch.tensor([3, -1]))


def test_half_life_must_be_above_zero() -> None:
    for half_life in (0.0, -1.0, math.nan):
        with pytest.raises(ValueError, match=f"half_life must be above 0, {half_life} came: give it in steps"):
            DecayMeanPooler(half_life)


@pytest.mark.parametrize("pooler", [WeightedSumPooler(), WeightedMeanPooler(), WeightedStatisticsPooler()])
def test_missing_weights_are_asked_for(pooler: WeightedSumPooler) -> None:
    with pytest.raises(ValueError, match=f"{type(pooler).__name__} needs weights, none came: give one number a step"):
        pooler(torch.randn(2, 3, 4))
