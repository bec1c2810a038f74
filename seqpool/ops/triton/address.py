"""The address formula on the host: what a kernel needs to find each step, and how long sequences are split."""

from typing import NamedTuple

import torch
from torch import Tensor

from seqpool.layout import Sequences

LONG = 1024
"""Steps that one program reads by itself; where more may come, all sequences are read in chunks."""
CHUNK = 512

Where = tuple[Tensor, Tensor, Tensor | None, Tensor | None, Tensor | None, Tensor | None, int]


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


def strides(rows: Tensor, time: int) -> Strides:
    """Strides of rows `(*rows, F)`; a table has none across sequences."""
    if time == -1:
        return Strides(0, *rows.stride())
    return Strides(rows.stride(1 - time), rows.stride(time), rows.stride(2))


def keep_strides(keep: Tensor | None, time: int) -> tuple[int, int]:
    """Strides of the keep-mask across sequences and along steps."""
    if keep is None or time == -1:
        return (0, 0) if keep is None else (0, keep.stride(0))
    return keep.stride(1 - time), keep.stride(time)


def shares(rows: Tensor, lengths: Tensor, hops: Tensor | None, time: int) -> Shares | None:
    """Chunks to read where a sequence may be long, so that one giant is read by many programs; `None` elsewhere.

    Shapes alone decide, and bound the number of chunks: nothing waits for the device. Chunks beyond the last one are
    laid to the last sequence, and hold no step.
    """
    longest = rows.shape[0] if time == -1 else rows.shape[time]
    if (longest if hops is None else hops.shape[0]) <= LONG:
        return None
    counts = (lengths + (CHUNK - 1)) // CHUNK
    ends = counts.cumsum(0)
    places = rows.shape[0] if time == -1 else rows.shape[0] * rows.shape[1]
    most = places // CHUNK + lengths.shape[0]
    owners = torch.searchsorted(ends, torch.arange(most, device=ends.device), right=True)
    return Shares(owners.clamp(max=lengths.shape[0] - 1), ends - counts, counts)
