"""The numbers of thinc's tests of `reduce_*`, forward and backward.

Source: explosion/thinc, thinc/tests/backends/test_ops.py and thinc/tests/layers/test_reduce.py.
"""

import pytest
import torch
from torch import Tensor

from seqpool.poolers.base import Pooler
from seqpool.poolers.ends import FirstPooler, LastPooler
from seqpool.poolers.reductions import MaskedMaxPooler, MaskedMeanPooler, MaskedSumPooler

ODD = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [1.0, 2.0], [3.0, 4.0]], dtype=torch.float64)
EVEN = torch.tensor([[1.0, 6.0], [2.0, 7.0], [3.0, 8.0], [4.0, 9.0], [5.0, 10.0]], dtype=torch.float64)
# An upstream gradient of theirs: 1, 2, 3 and 4, 5, 6.
COTANGENT = torch.arange(1.0, 7.0).view(2, 3)
either_float = pytest.mark.parametrize("dtype", [torch.float32, torch.float64])


def offsets(lengths: list[int]) -> list[int]:
    return [sum(lengths[:b]) for b in range(len(lengths) + 1)]


@either_float
@pytest.mark.parametrize(
    ("pooler", "rows", "lengths", "want"),
    [
        (MaskedSumPooler(), ODD, [3, 2], [[9.0, 12.0], [4.0, 6.0]]),
        (MaskedSumPooler(), ODD, [3, 0, 2], [[9.0, 12.0], [0.0, 0.0], [4.0, 6.0]]),
        (MaskedMeanPooler(), ODD, [3, 2], [[3.0, 4.0], [2.0, 3.0]]),
        (MaskedMeanPooler(), ODD, [3, 0, 2], [[3.0, 4.0], [0.0, 0.0], [2.0, 3.0]]),
        (MaskedMeanPooler(), ODD[:3], [3, 0], [[3.0, 4.0], [0.0, 0.0]]),
        (FirstPooler(), EVEN, [3, 2], [[1.0, 6.0], [4.0, 9.0]]),
        (LastPooler(), EVEN, [3, 2], [[3.0, 8.0], [5.0, 10.0]]),
    ],
)
def test_forward(pooler: Pooler, rows: Tensor, lengths: list[int], want: list[list[float]], dtype: torch.dtype) -> None:
    pooled = pooler(rows.to(dtype), offsets=offsets(lengths))
    assert torch.equal(pooled, torch.tensor(want, dtype=dtype))


@pytest.mark.parametrize(
    ("pooler", "lengths", "cotangent", "want"),
    [
        (FirstPooler(), [3, 2], [[1.0, 3.0], [2.0, 4.0]], [[1, 3], [0, 0], [0, 0], [2, 4], [0, 0]]),
        (LastPooler(), [3, 2], [[1.0, 3.0], [2.0, 4.0]], [[0, 0], [0, 0], [1, 3], [0, 0], [2, 4]]),
        (MaskedMeanPooler(), [4, 2], COTANGENT.tolist(), 4 * [[0.25, 0.5, 0.75]] + 2 * [[2.0, 2.5, 3.0]]),
        # Theirs checks that each sequence's rows sum to its length times the upstream gradient.
        (MaskedSumPooler(), [3, 3], COTANGENT.tolist(), 3 * [[1, 2, 3]] + 3 * [[4, 5, 6]]),
    ],
)
def test_backward(pooler: Pooler, lengths: list[int], cotangent: list[list[float]], want: list[list[float]]) -> None:
    upstream = torch.tensor(cotangent)
    rows = torch.randn(sum(lengths), upstream.shape[1], requires_grad=True)
    pooler(rows, offsets=offsets(lengths)).backward(upstream)
    assert rows.grad is not None
    torch.testing.assert_close(rows.grad, torch.tensor(want, dtype=torch.float32))


def test_backward_of_the_maximum() -> None:
    # The maxima lie at steps 2, 1, 0 of the first sequence and 1, 0, 1 of the second.
    rows = torch.zeros(5, 3)
    rows[torch.tensor([2, 1, 0, 4, 3, 4]), torch.tensor([0, 1, 2, 0, 1, 2])] = 1
    rows.requires_grad_()
    MaskedMaxPooler()(rows, offsets=[0, 3, 5]).backward(COTANGENT)
    assert rows.grad is not None
    want = [[0, 0, 3], [0, 2, 0], [1, 0, 0], [0, 5, 0], [4, 0, 6]]
    assert torch.equal(rows.grad, torch.tensor(want, dtype=torch.float32))


@pytest.mark.parametrize(
    ("pooler", "want"),
    [
        (FirstPooler(), [1.0, 1.0]),
        (LastPooler(), [-1.0, -1.0]),
        (MaskedMaxPooler(), [2.0, 2.0]),
        (MaskedSumPooler(), [2.0, 2.0]),
        # They multiply the steps by 1,000 before averaging.
        (MaskedMeanPooler(), [0.2, 0.5]),
    ],
)
def test_layers_on_ragged_rows(pooler: Pooler, want: list[float]) -> None:
    # Zeros of 10 and of 4 steps, the first 1, the second 2, the last -1.
    sequences = [torch.zeros(n, 8) for n in (10, 4)]
    for steps in sequences:
        steps[0], steps[1], steps[-1] = 1, 2, -1
    pooled = pooler(torch.cat(sequences), offsets=[0, 10, 14])
    torch.testing.assert_close(pooled, torch.tensor(want).unsqueeze(1).expand(2, 8))


@pytest.mark.parametrize("bounds", [[0, 5, 10], [0, -1, 5], [0, 3, 3]])
def test_lengths_that_do_not_fit_the_rows_are_refused(bounds: list[int]) -> None:
    # Theirs refuse lengths that are negative or do not sum up to the rows.
    with pytest.raises(ValueError, match=r"offsets"):
        MaskedMeanPooler()(ODD, offsets=bounds)
