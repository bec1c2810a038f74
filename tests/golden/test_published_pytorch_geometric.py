"""PyTorch Geometric's aggregations: the numbers of its tests, and the library beside ours on random ones.

Source: pyg-team/pytorch_geometric, test/nn/aggr/test_quantile.py and test_basic.py. An empty group is 0 there, too.
"""

from typing import Any, get_args

import pytest
import torch
from torch import Tensor

from seqpool.poolers.base import Pooler
from seqpool.poolers.order_statistics import Interpolation, MedianPooler, QuantilePooler
from seqpool.poolers.reductions import MaskedMaxPooler, MaskedMeanPooler, MaskedMinPooler, MaskedSumPooler
from seqpool.poolers.soft_extremes import SoftmaxPooler
from seqpool.poolers.statistics import StdPooler, VariancePooler

# 0 to 9, three a row, from the start again.
TABLE = (torch.arange(30.0) % 10).reshape(10, 3)
# Groups of 2, 3 and 1 rows as in test_basic.py, an empty one, and a longer one.
OFFSETS = torch.tensor([0, 2, 5, 6, 6, 17])


def test_medians_along_the_columns() -> None:
    # The second case: columns 0 and 2 are one group, whose median is the smaller number, and column 1 the other.
    rows = TABLE.T[[0, 2, 1]]
    want = torch.stack([TABLE[:, ::2].amin(1), TABLE[:, 1]])
    assert torch.equal(MedianPooler()(rows, offsets=[0, 2, 3]), want)
    assert want[0].tolist() == [0.0, 3.0, 6.0, 1.0, 2.0, 5.0, 0.0, 1.0, 4.0, 7.0]


def test_medians_of_all_columns() -> None:
    pooled = MedianPooler()(TABLE.T, offsets=[0, 3])
    assert torch.equal(pooled[0], TABLE.median(1).values)
    assert pooled[0].tolist() == [1.0, 4.0, 7.0, 1.0, 3.0, 6.0, 8.0, 2.0, 5.0, 8.0]


@pytest.mark.parametrize("interpolation", get_args(Interpolation))
@pytest.mark.parametrize("q", [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
def test_quantiles_along_the_columns(q: float, interpolation: Interpolation) -> None:
    pooled = QuantilePooler(q, interpolation=interpolation)(TABLE.T, offsets=[0, 3])
    torch.testing.assert_close(pooled, torch.quantile(TABLE, q, 1, interpolation=interpolation).unsqueeze(0))


def aggr() -> Any:
    return pytest.importorskip("torch_geometric.nn.aggr", reason="torch_geometric is not installed")


def rows() -> Tensor:
    return torch.randn(17, 16, dtype=torch.float64, requires_grad=True)


def assert_agrees(pooler: Pooler, theirs: Any, x: Tensor, offsets: Tensor = OFFSETS) -> None:
    """Values, and gradients by the rows."""
    groups = offsets.shape[0] - 1
    index = torch.arange(groups).repeat_interleave(offsets.diff())
    mine, wanted = pooler(x, offsets=offsets), theirs(x, index, dim_size=groups)
    torch.testing.assert_close(mine, wanted)
    cotangent = torch.randn_like(mine)
    torch.testing.assert_close(torch.autograd.grad(mine, x, cotangent), torch.autograd.grad(wanted, x, cotangent))


@pytest.mark.parametrize(
    ("pooler", "name"),
    [
        (MaskedMeanPooler(), "MeanAggregation"),
        (MaskedSumPooler(), "SumAggregation"),
        (MaskedMaxPooler(), "MaxAggregation"),
        (MaskedMinPooler(), "MinAggregation"),
        (VariancePooler(), "VarAggregation"),
        (SoftmaxPooler(), "SoftmaxAggregation"),
        (MedianPooler(), "MedianAggregation"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_aggregations(pooler: Pooler, name: str) -> None:
    assert_agrees(pooler, getattr(aggr(), name)(), rows())


def test_standard_deviation_where_it_is_not_small() -> None:
    # Theirs is 0 where the variance is below 1e-5, as it may be of two rows.
    assert_agrees(StdPooler(), aggr().StdAggregation(), rows(), torch.tensor([0, 6, 17]))


@pytest.mark.parametrize("interpolation", get_args(Interpolation))
@pytest.mark.parametrize("q", [0.0, 0.125, 0.34375, 0.5, 0.8125, 1.0])  # theirs holds q in float32: binary fractions
def test_quantiles(q: float, interpolation: Interpolation) -> None:
    theirs = aggr().QuantileAggregation(q, interpolation=interpolation)
    assert_agrees(QuantilePooler(q, interpolation=interpolation), theirs, rows())
