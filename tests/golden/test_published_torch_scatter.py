"""The table of torch_scatter's segment tests, and its logsumexp and std.

Source: rusty1s/pytorch_scatter, test/test_segment.py, test/composite/test_logsumexp.py and test_std.py. A segment
without rows is 0 there, as here, for minimum and maximum too; their `arg` of one is the number of rows, here it has
no gradient.
"""

import itertools
import math
from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from seqpool.poolers.base import Pooler
from seqpool.poolers.reductions import MaskedMaxPooler, MaskedMeanPooler, MaskedMinPooler, MaskedSumPooler
from seqpool.poolers.soft_extremes import LogSumExpPooler
from seqpool.poolers.statistics import StdPooler

Numbers = list[list[float]]
Places = list[list[int]]


class Segments(NamedTuple):
    """One entry of their table; where it has a batch of its own, one entry of that."""

    src: Numbers
    indptr: list[int]
    add: Numbers
    mean: Numbers
    minimum: Numbers
    arg_min: Places
    maximum: Numbers
    arg_max: Places


PAIRS: Numbers = [[1, 2], [3, 4], [5, 6], [7, 8], [9, 10], [11, 12]]
TABLE = [
    Segments(
        [[1], [2], [3], [4], [5], [6]],
        [0, 2, 5, 5, 6],
        add=[[3], [12], [0], [6]],
        mean=[[1.5], [4], [0], [6]],
        minimum=[[1], [3], [0], [6]],
        arg_min=[[0], [2], [6], [5]],
        maximum=[[2], [5], [0], [6]],
        arg_max=[[1], [4], [6], [5]],
    ),
    Segments(
        PAIRS,
        [0, 2, 5, 5, 6],
        add=[[4, 6], [21, 24], [0, 0], [11, 12]],
        mean=[[2, 3], [7, 8], [0, 0], [11, 12]],
        minimum=[[1, 2], [5, 6], [0, 0], [11, 12]],
        arg_min=[[0, 0], [2, 2], [6, 6], [5, 5]],
        maximum=[[3, 4], [9, 10], [0, 0], [11, 12]],
        arg_max=[[1, 1], [4, 4], [6, 6], [5, 5]],
    ),
    Segments(
        [[2], [4], [6], [8], [10], [12]],
        [0, 3, 5, 6, 6],
        add=[[12], [18], [12], [0]],
        mean=[[4], [9], [12], [0]],
        minimum=[[2], [8], [12], [0]],
        arg_min=[[0], [3], [5], [6]],
        maximum=[[6], [10], [12], [0]],
        arg_max=[[2], [4], [5], [6]],
    ),
    Segments(
        [[7, 9], [10, 11], [12, 13]],
        [0, 1, 1, 3],
        add=[[7, 9], [0, 0], [22, 24]],
        mean=[[7, 9], [0, 0], [11, 12]],
        minimum=[[7, 9], [0, 0], [10, 11]],
        arg_min=[[0, 0], [3, 3], [1, 1]],
        maximum=[[7, 9], [0, 0], [12, 13]],
        arg_max=[[0, 0], [3, 3], [2, 2]],
    ),
]
every_entry = pytest.mark.parametrize("entry", TABLE, ids=range(len(TABLE)))


@every_entry
def test_segments(entry: Segments) -> None:
    src = torch.tensor(entry.src, dtype=torch.float32)
    for pooler, want in (
        (MaskedSumPooler(), entry.add),
        (MaskedMeanPooler(), entry.mean),
        (MaskedMinPooler(), entry.minimum),
        (MaskedMaxPooler(), entry.maximum),
    ):
        assert pooler(src, offsets=entry.indptr).tolist() == want


@every_entry
def test_extremes_send_the_gradient_to_their_rows(entry: Segments) -> None:
    src = torch.tensor(entry.src, dtype=torch.float32, requires_grad=True)
    pairs: list[tuple[Pooler, Places]] = [(MaskedMinPooler(), entry.arg_min), (MaskedMaxPooler(), entry.arg_max)]
    for pooler, arg in pairs:
        pooled = pooler(src, offsets=entry.indptr)
        cotangent = torch.arange(1.0, pooled.numel() + 1).view_as(pooled)
        want = torch.zeros(len(entry.src) + 1, pooled.shape[1]).scatter(0, torch.tensor(arg), cotangent)
        assert torch.equal(torch.autograd.grad(pooled, src, cotangent)[0], want[:-1])


EDGES = [0.0, 1.0, -1e33, 1e33, math.nan, -math.inf, math.inf]


@pytest.mark.parametrize("steps", [[0.5, -2.1, 3.2], *itertools.product(EDGES, EDGES)])
def test_log_sum_exp_of_edge_values(steps: list[float]) -> None:
    x = torch.tensor(steps).view(-1, 1)
    pooled: Tensor = LogSumExpPooler()(x, offsets=[0, len(steps)])
    # Theirs is of the sum: log n more. Theirs of nothing is -inf, ours 0.
    torch.testing.assert_close(pooled[0] + math.log(len(steps)), torch.logsumexp(x, 0), equal_nan=True)


def test_standard_deviation() -> None:
    src = torch.tensor([[2.0, 0.0, 1.0, 4.0, 3.0], [0.0, 2.0, 1.0, 3.0, 4.0]])
    pooled = StdPooler(correction=1)(src.view(10, 1), offsets=[0, 5, 10])
    torch.testing.assert_close(pooled, torch.full((2, 1), math.sqrt(2.5)))
