"""Scaled sums, variances, moments and covariances, against published numbers and other libraries."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn.utils.rnn import pack_sequence, pad_sequence

from seqpool.poolers.base import Pooler
from seqpool.poolers.covariance import CovariancePooler
from seqpool.poolers.moments import MomentsPooler
from seqpool.poolers.scaled import MeanSqrtLengthPooler
from seqpool.poolers.statistics import StatisticsPooler, StdPooler, VariancePooler

NAN = float("nan")
LENGTHS = [9, 1, 4, 2, 30]


def _sequences(width: int = 5) -> list[Tensor]:
    return [torch.randn(n, width) for n in LENGTHS]


def _pooled(pooler: Pooler, sequences: list[Tensor]) -> Tensor:
    padded = pad_sequence(sequences, batch_first=True, padding_value=NAN)
    pooled: Tensor = pooler(padded, lengths=[x.shape[0] for x in sequences])
    return pooled


def _around(n: int) -> Tensor:
    """1000 + 0.01 and 1000 - 0.01 in turn, as float32 holds them."""
    return (1000 + 0.01 * (-1.0) ** torch.arange(n)).unsqueeze(1)


def test_mean_sqrt_length_of_ones_is_the_root_of_the_length() -> None:
    # sentence-transformers' pooling_mode_mean_sqrt_len_tokens: sum / sqrt(sum of the mask).
    pooled = _pooled(MeanSqrtLengthPooler(), [torch.ones(n, 1) for n in (4, 9, 16)])
    torch.testing.assert_close(pooled, torch.tensor([[2.0], [3.0], [4.0]]))


@pytest.mark.parametrize("correction", [0, 1, 2])
def test_variance_and_std_equal_torch(correction: int) -> None:
    sequences = _sequences()
    for pooler, one in ((VariancePooler, torch.var), (StdPooler, torch.std)):
        want = [
            one(x, 0, correction=correction) if x.shape[0] > correction else torch.zeros_like(x[0]) for x in sequences
        ]
        torch.testing.assert_close(_pooled(pooler(correction=correction), sequences), torch.stack(want))


@pytest.mark.parametrize("n", [2, 7, 64, 5000, 20001])
def test_small_deviations_from_a_large_mean_survive(n: int) -> None:
    # PyTorch Geometric's StdAggregation, the mean of squares minus the square of the mean, gives 0 here.
    x = _around(n)
    want = x.double().std(0, correction=0).float()
    torch.testing.assert_close(StdPooler()(x.unsqueeze(0))[0], want, rtol=1e-5, atol=0)
    torch.testing.assert_close(StdPooler()(pack_sequence([x]))[0], want, rtol=1e-5, atol=0)
    torch.testing.assert_close(StatisticsPooler()(x, offsets=[0, n])[0, 1:], want, rtol=1e-5, atol=0)


@pytest.mark.parametrize("n", [1, 3, 7, 4999])
@pytest.mark.parametrize("value", [0.1, 1000.1, -3e-5])
@pytest.mark.parametrize("pooler", [VariancePooler(), StdPooler(), StdPooler(correction=1), StatisticsPooler()])
def test_equal_steps_have_no_spread_and_no_gradient(pooler: Pooler, value: float, n: int) -> None:
    x = torch.full((1, n, 1), value).requires_grad_()
    spread = pooler(x)[:, -1:]
    assert spread.item() == 0
    assert not torch.autograd.grad(spread, x)[0].any()


def test_statistics_of_pyannote() -> None:
    # pyannote.audio, tests/test_stats_pool.py without weights: frames 2, 4 and 1, 1; StatsPool corrects by 1.
    x = torch.tensor([[[2.0], [4.0]], [[1.0], [1.0]]])
    want = torch.tensor([[3.0, 1.4142], [1.0, 0.0]])
    torch.testing.assert_close(StatisticsPooler(correction=1)(x).round(decimals=4), want)


def test_moments_of_a_single_success() -> None:
    # A Bernoulli variable with p = 1/4: mean p, deviation sqrt(pq), skewness (q - p) / sqrt(pq), kurtosis 1/pq - 3.
    p, q = 0.25, 0.75
    deviation = (p * q) ** 0.5
    want = torch.tensor([[p, deviation, (q - p) / deviation, 1 / (p * q) - 3]])
    torch.testing.assert_close(_pooled(MomentsPooler(), [torch.tensor([[0.0], [1.0], [0.0], [0.0]])]), want)


def test_moments_equal_scipy() -> None:
    stats = pytest.importorskip("scipy.stats", reason="scipy comes with scikit-learn, of the extra 'recipes'")
    sequences = [x.double() for x in _sequences() if x.shape[0] > 2]
    third = [torch.from_numpy(stats.skew(x.numpy())) for x in sequences]
    fourth = [torch.from_numpy(stats.kurtosis(x.numpy(), fisher=False)) for x in sequences]
    pooled = _pooled(MomentsPooler(), sequences)
    torch.testing.assert_close(pooled[:, 10:], torch.cat([torch.stack(third), torch.stack(fourth)], dim=1))


def test_moments_are_zero_where_the_variance_is() -> None:
    x = torch.full((1, 7, 1), 0.1).requires_grad_()
    pooled = MomentsPooler()(x)
    assert pooled[0, 1:].tolist() == [0, 0, 0]
    torch.testing.assert_close(torch.autograd.grad(pooled.sum(), x)[0], torch.full_like(x, 1 / 7))


def test_covariance_equals_numpy() -> None:
    numpy = pytest.importorskip("numpy", reason="numpy comes with the extra 'recipes'")
    sequences = [x.double() for x in _sequences() if x.shape[0] > 1]
    pooler = CovariancePooler(5, rank=3).double()
    weight = pooler.project.weight.detach().numpy()
    upper = numpy.triu_indices(3)
    want = [torch.from_numpy(numpy.cov(weight @ x.numpy().T, bias=True)[upper]) for x in sequences]
    torch.testing.assert_close(_pooled(pooler, sequences).detach(), torch.stack(want))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: VariancePooler(correction=-1), "correction must be at least 0, -1 came"),
        (lambda: StdPooler(correction=-1), "correction must be at least 0, -1 came"),
        (lambda: StatisticsPooler(correction=-2), "correction must be at least 0, -2 came"),
        (lambda: CovariancePooler(4, rank=0), "rank must be at least 1, 0 came"),
    ],
)
def test_refusals(build: Callable[[], Pooler], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build()
