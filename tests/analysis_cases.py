"""What the tests of seqpool.analysis share: ragged batches, reading a result step by step, central differences."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from tests.layouts import LAYOUTS, cases

CASES = cases([3, 1, 4], [4, 3, 1], [2, 0, 5])


def ragged(lengths: Sequence[int], width: int = 3) -> list[Tensor]:
    return [torch.randn(length, width, dtype=torch.float64) for length in lengths]


def numbers_of(result: Tensor | PackedSequence) -> Tensor:
    """The rows of a result, whatever holds them."""
    if isinstance(result, PackedSequence):
        return result.data
    if not result.is_nested:
        return result
    rows: Tensor = result.values()
    return rows


def by_sequence(layout: str, lengths: Sequence[int], result: Tensor | PackedSequence) -> list[Tensor]:
    """One number a step of each sequence, found through the same layout of numbered steps; padding must be 0."""
    first = [sum(lengths[:b]) for b in range(len(lengths))]
    steps = [torch.arange(n).unsqueeze(1).double() + start for n, start in zip(lengths, first, strict=True)]
    laid = LAYOUTS[layout](steps)
    assert isinstance(laid.output, PackedSequence) == isinstance(result, PackedSequence)
    if isinstance(laid.output, Tensor) and isinstance(result, Tensor):
        assert laid.output.is_nested == result.is_nested
    names, rows = laid.rows().squeeze(-1), numbers_of(result)
    assert rows.shape == names.shape
    assert (rows[names.isnan()] == 0).all()
    flat = torch.stack([rows[names == name].squeeze() for name in range(sum(lengths))]) if sum(lengths) else rows[:0]
    return list(torch.split(flat, list(lengths)))


def slopes(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Derivative of a function of one sequence `(n, D)` to a number, by central differences."""
    small, found = 1e-6, torch.zeros_like(x)
    for step in range(x.shape[0]):
        for feature in range(x.shape[1]):
            ends = []
            for sign in (-1, 1):
                moved = x.clone()
                moved[step, feature] += sign * small
                ends.append(function(moved))
            found[step, feature] = (ends[1] - ends[0]) / (2 * small)
    return found


def close(found: Sequence[Tensor], expected: Sequence[Tensor]) -> None:
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-8)
