"""The address formula on the host: what a kernel needs to find each step, and how long sequences are split."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from seqpool.layout import Sequences

LONG = 1024
"""Steps that one program reads by itself; where more may come, all sequences are read in chunks."""
CHUNK = 512

Where = tuple[Tensor, Tensor, Tensor | None, Tensor | None, Tensor | None, Tensor | None, int]


Found = tuple[Tensor, Tensor, Tensor | None, Tensor | None, Tensor | None]
"""Start, lengths, keep, owner, valid: what a row needs to find its sequence."""


class Strides(NamedTuple):
    """Elements from sequence to sequence, from step to step, and from feature to feature."""

    across: int
    along: int
    apart: int


class Shares(NamedTuple):
    """Chunks of the sequences, one after the other: whose each is, and each sequence's first and number of them."""

    owners: Tensor
    firsts: Tensor
    counts: Tensor


def where(seq: Sequences, rows: Tensor, *, backward: bool) -> Where:
    """The address of each step as an operator's arguments: start, lengths, hops, keep, owner, valid, time."""
    table = backward and seq.time is None and rows.requires_grad and torch.is_grad_enabled()
    owner, valid = (seq.owner(), seq.valid()) if table else (None, None)
    time = -1 if seq.time is None else seq.time
    return seq.start.contiguous(), seq.lengths.contiguous(), seq.hops, seq.keep, owner, valid, time


def strides(rows: Tensor, time: int, grain: int = 1) -> Strides:
    """Strides of rows `(*rows, F)`, those between rows in grains; a table has none across sequences."""
    across = 0 if time == -1 else rows.stride(1 - time)
    return Strides(across // grain, rows.stride(max(time, 0)) // grain, rows.stride(-1))


def places(shape: Sequence[int], time: int) -> tuple[int, int]:
    """Rows of a tensor of this shape, and the places along its second axis."""
    return (shape[0], 1) if time == -1 else (shape[0] * shape[1], shape[1])


def keep_strides(keep: Tensor | None, time: int) -> tuple[int, int]:
    """Strides of the keep-mask across sequences and along steps."""
    if keep is None or time == -1:
        return (0, 0) if keep is None else (0, keep.stride(0))
    return keep.stride(1 - time), keep.stride(time)


def shares(
    rows: Tensor, lengths: Tensor, hops: Tensor | None, time: int, chunk: int | None = None
) -> Shares | None:  # fmt: skip  # one line an address
    """Chunks to read where a sequence may be long, so that one giant is read by many programs; `None` elsewhere.

    They have CHUNK steps, and sequences may be LONG without; or `chunk` steps, and sequences twice as many.
    Shapes alone decide, and bound the number of chunks: nothing waits for the device. Chunks beyond the last one are
    laid to the last sequence, and hold no step.
    """
    longest = rows.shape[0] if time == -1 else rows.shape[time]
    long, chunk = (LONG, CHUNK) if chunk is None else (2 * chunk, chunk)
    if (longest if hops is None else hops.shape[0]) <= long:
        return None
    counts = (lengths + (chunk - 1)) // chunk
    ends = counts.cumsum(0)
    most = places(rows.shape, time)[0] // chunk + lengths.shape[0]
    owners = torch.searchsorted(ends, torch.arange(most, device=ends.device), right=True)
    return Shares(owners.clamp(max=lengths.shape[0] - 1), ends - counts, counts)


def owned(
    rows: Tensor, start: Tensor, lengths: Tensor, keep: Tensor | None, owner: Tensor | None, valid: Tensor | None,
    time: int,
) -> tuple[Tensor, Tensor]:  # fmt: skip  # one line an address
    """Sequence of each row and whether it is real, shaped like the rows."""
    if time == -1:
        assert owner is not None
        return owner, torch.ones_like(owner, dtype=torch.bool) if valid is None else valid
    batch, steps = lengths.shape[0], rows.shape[time]
    sequence = torch.arange(batch, device=rows.device).unsqueeze(time).expand(rows.shape[:2])
    step = torch.arange(steps, device=rows.device).unsqueeze(1 - time) - start.unsqueeze(time)
    real = (step >= 0) & (step < lengths.unsqueeze(time))
    return sequence, real if keep is None else real & keep


def again(
    formula: Callable[..., Tensor], inputs: Sequence[Tensor], found_by: Found, time: int, grad: Tensor
) -> tuple[Tensor, ...]:
    """The second derivative: that of a gradient whose `formula` takes its inputs, each row's owner and who is real."""
    inputs = [x.detach().requires_grad_() for x in inputs]
    rows = next(x for x in inputs if x.shape == grad.shape)
    owner, real = owned(rows, *found_by, time)
    with torch.enable_grad():
        result = formula(*inputs, owner, real.unsqueeze(-1))
    return torch.autograd.grad(result, inputs, grad)
