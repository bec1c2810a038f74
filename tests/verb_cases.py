"""Verbs against one sequence at a time: batches as leaves, and comparison of values and gradients with a loop."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from seqpool import Sequences
from seqpool.layout import on_host
from seqpool.ops import bags, segment, slices, steps
from tests.layouts import LAYOUTS, Laid

BATCHES = ([3, 1, 2], [5, 3, 3, 1], [4, 0, 1, 0], [0, 0], [1])
One = Callable[[Tensor], Tensor]


TWICE = [name for name in LAYOUTS if name not in {"jagged", "narrowed"}]
"""Layouts that PyTorch differentiates twice: all but its nested tensors."""

FORMS = ["dense", "slices", "steps"]
"""Ways of the CPU: the whole batch at once, a sequence at a time, a step at a time."""


def force(monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    """Take one way on small batches, whatever their sizes would choose, where their layout can go it.

    "table", beside `FORMS`, is that of batches large enough for calls a sequence that would yet cost more than padding.
    """

    def by_slices(_: Sequences, rows: Tensor, numbers: int) -> bool:
        asked = form == "slices" or (form == "table" and numbers < 65536)
        return asked and on_host(rows) and 0 not in rows.shape

    def by_steps(seq: Sequences, rows: Tensor) -> bool:
        allowed = on_host(rows) and 0 not in rows.shape and slices.table(rows) is not None
        return form == "steps" and allowed and slices.unbroken(seq)

    monkeypatch.setattr(segment, "by_slices", by_slices)
    monkeypatch.setattr(steps, "fit", by_steps)


BAGS = ["slices", "blocks"]
"""Ways in which half types are summed into float32: a sequence at a time, a block of sequences at a time."""


def force_bags(monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    """Take one way on small batches; blocks are of a few rows, of one sequence with more, and of none."""
    for long in ("LONG", "WEIGHTED"):
        monkeypatch.setattr(bags, long, 0 if form == "slices" else 2**62)
    monkeypatch.setattr(bags, "BLOCK", 9)


def leaves(lengths: tuple[int, ...] | list[int], width: int = 3, dtype: torch.dtype = torch.float64) -> list[Tensor]:
    """Random sequences, each a leaf of the graph."""
    return [torch.randn(n, width, dtype=dtype, requires_grad=True) for n in lengths]


def lay(layout: str, ragged: list[Tensor]) -> Laid:
    return LAYOUTS[layout](ragged)


def table(laid: Laid) -> Tensor:
    """The rows as a leaf with finite padding, for finite differences."""
    return laid.rows().detach().nan_to_num(0.5).requires_grad_()


def loop(one: One, ragged: list[Tensor]) -> Tensor:
    """`one` of each sequence; zeros where it is empty."""
    width = ragged[0].shape[1]
    return torch.stack([one(x) if x.shape[0] else (x.sum() * 0).expand(width) for x in ragged])


def gradients(pooled: Tensor, leaves: list[Tensor], cotangent: Tensor) -> list[Tensor]:
    """Gradients of all leaves; leaves without a step have none to receive."""
    if not any(leaf.numel() for leaf in leaves):
        return [torch.zeros_like(leaf) for leaf in leaves]
    return list(torch.autograd.grad(pooled, leaves, cotangent, retain_graph=True, materialize_grads=True))


def assert_same(mine: Tensor, theirs: Tensor, leaves: list[Tensor], *, exact: bool = False) -> None:
    """Equal values, and equal gradients under a random cotangent."""
    cotangent = torch.randn_like(theirs)
    ours = [mine, *gradients(mine, leaves, cotangent)]
    wanted = [theirs, *gradients(theirs, leaves, cotangent)]
    for a, b in zip(ours, wanted, strict=True):
        if exact:
            torch.testing.assert_close(a, b, rtol=0, atol=0, equal_nan=True)
        else:
            torch.testing.assert_close(a, b, equal_nan=True)


def assert_twice_same(mine: Tensor, theirs: Tensor, leaves: list[Tensor]) -> None:
    """Equal second derivatives along a random direction."""
    directions = [torch.randn_like(leaf) for leaf in leaves]
    found = []
    for pooled in (mine, theirs):
        first = torch.autograd.grad(pooled.sin().sum(), leaves, create_graph=True)
        found.append(torch.autograd.grad(first, leaves, directions))
    for a, b in zip(*found, strict=True):
        torch.testing.assert_close(a, b)
