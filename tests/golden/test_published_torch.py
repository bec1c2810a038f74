"""PyTorch's own functions, one row of sequences at a time: gradients too."""

from collections.abc import Callable
from typing import get_args

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from seqpool.poolers.base import Pooler
from seqpool.poolers.order_statistics import Interpolation, MedianPooler, QuantilePooler
from seqpool.poolers.soft_extremes import LogSumExpPooler
from seqpool.poolers.statistics import StdPooler, VariancePooler
from seqpool.poolers.weighted import WeightedSumPooler

LENGTHS = [9, 2, 4, 30]
PADDING = torch.arange(30) >= torch.tensor(LENGTHS)[:, None]


def assert_equals_row_by_row(pooler: Pooler, one: Callable[[Tensor], Tensor]) -> None:
    """Values and gradients of steps without ties, NaN in the padding."""
    x = torch.randn(4, 30, 5, dtype=torch.float64).masked_fill(PADDING.unsqueeze(2), float("nan")).requires_grad_()
    mine = pooler(x, lengths=LENGTHS)
    theirs = torch.stack([one(steps[:n]) for steps, n in zip(x, LENGTHS, strict=True)])
    torch.testing.assert_close(mine, theirs)
    cotangent = torch.randn_like(mine)
    torch.testing.assert_close(torch.autograd.grad(mine, x, cotangent), torch.autograd.grad(theirs, x, cotangent))


@pytest.mark.parametrize("correction", [0, 1])
def test_spreads(correction: int) -> None:
    assert_equals_row_by_row(StdPooler(correction=correction), lambda x: x.std(0, correction=correction))
    assert_equals_row_by_row(VariancePooler(correction=correction), lambda x: x.var(0, correction=correction))


@pytest.mark.parametrize("interpolation", get_args(Interpolation))
@pytest.mark.parametrize("q", [0.0, 0.1, 0.3, 0.8, 1.0])
def test_quantiles(q: float, interpolation: Interpolation) -> None:
    assert_equals_row_by_row(
        QuantilePooler(q, interpolation=interpolation), lambda x: torch.quantile(x, q, 0, interpolation=interpolation)
    )


def test_medians() -> None:
    assert_equals_row_by_row(MedianPooler(), lambda x: x.median(0).values)


def test_log_sum_exp() -> None:
    assert_equals_row_by_row(LogSumExpPooler(), lambda x: x.logsumexp(0) - torch.tensor(x.shape[0]).log())


def test_weighted_sum_is_embedding_bag_with_weights_for_samples() -> None:
    rows = torch.randn(11, 3, requires_grad=True)
    weights = torch.rand(11, requires_grad=True)
    offsets = torch.tensor([0, 4, 4, 5, 11])
    bag = F.embedding_bag(
        torch.arange(11), rows, offsets, mode="sum", per_sample_weights=weights, include_last_offset=True
    )
    mine = WeightedSumPooler()(rows, offsets=offsets, weights=weights)
    torch.testing.assert_close(mine, bag)
    cotangent = torch.randn_like(bag)
    leaves = [rows, weights]
    wanted = torch.autograd.grad(bag, leaves, cotangent)
    torch.testing.assert_close(torch.autograd.grad(mine, leaves, cotangent), wanted)
