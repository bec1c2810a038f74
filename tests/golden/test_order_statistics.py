"""Medians, quantiles, trimmed means and the k largest, against torch, scipy and PyTorch Geometric's own tests."""

from collections.abc import Callable
from typing import get_args

import pytest
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from seqpool.poolers.base import Pooler
from seqpool.poolers.order_statistics import Interpolation, MedianPooler, QuantilePooler
from seqpool.poolers.top_k import KMaxPooler, TopKMeanPooler
from seqpool.poolers.trimmed_mean import TrimmedMeanPooler

NAN = float("nan")
LENGTHS = [9, 1, 4, 2, 30]
# The rows of PyTorch Geometric's test/nn/aggr/test_quantile.py: 0 to 9, three a row, from the start again.
TABLE = (torch.arange(30.0) % 10).reshape(10, 3)


def _pooled(pooler: Pooler, sequences: list[Tensor]) -> Tensor:
    padded = pad_sequence(sequences, batch_first=True, padding_value=NAN)
    pooled: Tensor = pooler(padded, lengths=[x.shape[0] for x in sequences])
    return pooled


def _with_ties() -> list[Tensor]:
    return [torch.randint(0, 4, (n, 5)).float() for n in LENGTHS]


def test_medians_of_pytorch_geometric() -> None:
    # test_median_aggregation: groups of 4, 3 and 3 rows; and all ten rows.
    want = torch.tensor([[3.0, 1.0, 2.0], [5.0, 6.0, 4.0], [4.0, 5.0, 6.0]])
    torch.testing.assert_close(MedianPooler()(TABLE, offsets=[0, 4, 7, 10]), want)
    torch.testing.assert_close(MedianPooler()(TABLE, offsets=[0, 10])[0], TABLE.median(0).values)


@pytest.mark.parametrize("interpolation", get_args(Interpolation))
@pytest.mark.parametrize("q", [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
def test_quantiles_equal_torch(q: float, interpolation: Interpolation) -> None:
    # test_quantile_aggregation asks for the same numbers of the first table.
    pooler = QuantilePooler(q, interpolation=interpolation)
    for sequences in ([TABLE], _with_ties(), [torch.randn(n, 5) for n in LENGTHS], [torch.randn(11, 2).double()]):
        want = [torch.quantile(x, q, 0, interpolation=interpolation) for x in sequences]
        torch.testing.assert_close(_pooled(pooler, sequences), torch.stack(want))


def test_quantiles_take_half_types() -> None:
    # torch.quantile does not.
    for dtype in (torch.float16, torch.bfloat16):
        assert _pooled(QuantilePooler(0.5), [torch.tensor([[1.0], [2.0]], dtype=dtype)]).tolist() == [[1.5]]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("interpolation", get_args(Interpolation))
@pytest.mark.parametrize("q", [0.3, 1.0])
def test_the_definition_ranks_beyond_half_precision(q: float, interpolation: Interpolation, dtype: torch.dtype) -> None:
    # float16 knows 2052 and 2048, but not 2051.
    x = torch.randn(2052, 3).to(dtype)
    pooler = QuantilePooler(q, interpolation=interpolation)
    want = torch.quantile(x.double(), q, 0, interpolation=interpolation).to(dtype)
    torch.testing.assert_close(pooler.one(x), want)
    torch.testing.assert_close(_pooled(pooler, [x])[0], want)


def test_median_equals_torch() -> None:
    sequences = [torch.randn(n, 5) for n in LENGTHS]
    torch.testing.assert_close(_pooled(MedianPooler(), sequences), torch.stack([x.median(0).values for x in sequences]))


@pytest.mark.parametrize("proportion", [0.0, 0.05, 0.1, 0.25, 0.49])
def test_trimmed_mean_equals_scipy(proportion: float) -> None:
    stats = pytest.importorskip("scipy.stats", reason="scipy comes with scikit-learn, of the extra 'recipes'")
    sequences = [torch.randn(n, 5) for n in LENGTHS]
    want = [torch.from_numpy(stats.trim_mean(x.numpy(), proportion)) for x in sequences]
    torch.testing.assert_close(_pooled(TrimmedMeanPooler(proportion=proportion), sequences), torch.stack(want))


def test_trimming_counts_steps_exactly() -> None:
    # 0.29 * 100 is 28.999999999999996 in floats.
    x = torch.cat([torch.full((29, 1), -1e6), torch.ones(42, 1), torch.full((29, 1), 1e7)])
    assert TrimmedMeanPooler(proportion=0.29)(x, offsets=[0, 100]).item() == 1


@pytest.mark.parametrize("k", [1, 2, 5, 40])
def test_top_k_mean_equals_torch(k: int) -> None:
    sequences = [torch.randn(n, 5) for n in LENGTHS]
    want = [x.topk(min(k, x.shape[0]), 0).values.mean(0) for x in sequences]
    torch.testing.assert_close(_pooled(TopKMeanPooler(k), sequences), torch.stack(want))


def test_k_max_keeps_the_order_of_the_steps() -> None:
    # Kalchbrenner et al. 2014, section 3.2: the k highest values, in their original order in the sequence.
    x = torch.tensor([[3.0, 1.0], [9.0, 8.0], [4.0, 2.0], [1.0, 7.0]])
    assert _pooled(KMaxPooler(3), [x]).tolist() == [[3.0, 8.0, 9.0, 2.0, 4.0, 7.0]]


def test_k_max_of_equal_values_takes_the_first() -> None:
    assert _pooled(KMaxPooler(2), [torch.tensor([[1.0], [3.0], [1.0]])]).tolist() == [[1.0, 3.0]]
    assert _pooled(KMaxPooler(2), [torch.tensor([[0.0], [0.0], [3.0], [0.0]])]).tolist() == [[0.0, 3.0]]


def test_k_max_of_short_sequences_ends_with_zeros() -> None:
    pooled = _pooled(KMaxPooler(3), [torch.tensor([[-5.0], [-2.0]]), torch.zeros(0, 1)])
    assert pooled.tolist() == [[-5.0, -2.0, 0.0], [0.0, 0.0, 0.0]]


@pytest.mark.parametrize(
    ("pooler", "share"),
    [
        (MedianPooler(), [0.0, 1.0, 0.0, 0.0]),
        (QuantilePooler(0.5), [0.0, 0.5, 0.5, 0.0]),
        (TopKMeanPooler(3), [1 / 3, 1 / 3, 1 / 3, 0.0]),
        (KMaxPooler(1), [1.0, 0.0, 0.0, 0.0]),
        (TrimmedMeanPooler(proportion=0.25), [0.0, 0.5, 0.5, 0.0]),
    ],
)
def test_gradients_of_equal_values_go_by_step(pooler: Pooler, share: list[float]) -> None:
    steps = torch.full((1, 4, 1), 2.0).requires_grad_()
    at_steps = torch.autograd.grad(pooler(steps).sum(), steps)[0]
    torch.testing.assert_close(at_steps.flatten(), torch.tensor(share))


@pytest.mark.parametrize("pooler", [MedianPooler(), QuantilePooler(0.0), TrimmedMeanPooler(proportion=0.4)])
def test_nan_passes(pooler: Pooler) -> None:
    pooled = _pooled(pooler, [torch.tensor([[1.0, 1.0], [NAN, 2.0], [3.0, 3.0]])])
    assert pooled.isnan().tolist() == [[True, False]]


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: QuantilePooler(50), "q must be between 0 and 1, 50 came: divide a percentage by 100"),
        (lambda: QuantilePooler(0.5, interpolation="cubic"), "interpolation must be one of linear, .*, 'cubic' came"),  # type: ignore[arg-type]  # what is refused
        (lambda: TrimmedMeanPooler(proportion=0.5), r"proportion must be at least 0 and below 0\.5, 0\.5 came"),
        (lambda: KMaxPooler(0), "k must be at least 1, 0 came"),
        (lambda: TopKMeanPooler(0), "k must be at least 1, 0 came"),
    ],
)
def test_refusals(build: Callable[[], Pooler], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build()
