"""Where the real rows lie, sequence by sequence, for the CPU, where the host may read lengths."""

from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor

from seqpool.layout import Sequences
from seqpool.ops import recording


def table(rows: Tensor) -> Tensor | None:
    """Rows as one table `(M, F)` without a copy, where their strides are whole rows; `None` elsewhere."""
    width = rows.shape[-1]
    if rows.stride(-1) != 1 or any(stride % width for stride in rows.stride()[:-1]):
        return None
    last = sum((size - 1) * stride for size, stride in zip(rows.shape[:-1], rows.stride()[:-1], strict=True))
    return rows.as_strided((last // width + 1, width), (width, 1))


def index(seq: Sequences, rows: Tensor) -> Tensor:
    """Place in `table(rows)` of every real row, sequence by sequence."""
    pitch = [stride // rows.shape[-1] for stride in rows.stride()[:-1]]
    if seq.hops is None and seq.time is None and seq.full:
        return torch.arange(0, rows.shape[0] * pitch[0], pitch[0])
    if seq.time is not None and seq.keep is not None:
        place = torch.arange(rows.shape[0]).unsqueeze(1) * pitch[0] + torch.arange(rows.shape[1]) * pitch[1]
        keep, place = (seq.keep.t(), place.t()) if seq.time == 0 else (seq.keep, place)
        # In half the time of a selection by mask.
        return place.flatten().index_select(0, keep.flatten().nonzero().squeeze(1))
    # Which step each is of its sequence, without a look at the padding.
    before = seq.lengths.cumsum(0) - seq.lengths
    step = torch.arange(int(seq.lengths.sum())) - torch.repeat_interleave(before, seq.lengths)
    place = step if seq.hops is None else seq.hops.index_select(0, step)
    if seq.time is not None:
        first = seq.start * pitch[seq.time] + torch.arange(seq.batch) * pitch[1 - seq.time]
        return place.mul_(pitch[seq.time]).add_(torch.repeat_interleave(first, seq.lengths))
    place = place + torch.repeat_interleave(seq.start, seq.lengths)
    return (place if seq.keep is None else place[seq.keep[place]]) * pitch[0]


def take(rows: Tensor, places: Tensor) -> Tensor:
    """Copies of the rows at these places of `table(rows)`, which there must be."""
    held = table(rows)
    assert held is not None
    return held.index_select(0, places)


def copies(rows: Tensor, places: list[Tensor], dtype: torch.dtype) -> Iterator[Tensor]:
    """Copies of the rows at some places of `table(rows)` after the other, in `dtype`; the next overwrites each."""
    held = table(rows)
    assert held is not None
    narrow = rows.new_empty(max((place.shape[0] for place in places), default=0), rows.shape[-1])
    wide = narrow if rows.dtype == dtype else torch.empty_like(narrow, dtype=dtype)
    for place in places:
        here = torch.index_select(held, 0, place, out=narrow[: place.shape[0]])
        yield here if wide is narrow else wide[: place.shape[0]].copy_(here)


def each(seq: Sequences, rows: Tensor) -> Iterator[Tensor]:
    """The real rows of one sequence after the other, as slices where they lie one after another."""
    together = unbroken(seq)
    for b, (start, length) in enumerate(zip(seq.start.tolist(), seq.lengths.tolist(), strict=True)):
        steps, keep = rows, seq.keep
        if seq.time is not None:
            steps, keep = rows.select(1 - seq.time, b), None if keep is None else keep.select(1 - seq.time, b)
        if seq.hops is None and together:
            yield steps[start : start + length]
            continue
        place = start + (torch.arange(length) if seq.hops is None else seq.hops[:length])
        yield steps.index_select(0, place if keep is None else place[keep[place]])


def cut(seq: Sequences, rows: Tensor) -> tuple[Tensor, ...]:
    """Those of `each`, differentiable: their gradients are written side by side, once."""
    pieces: tuple[Tensor, ...] = recording.run(_Cut, rows, seq)
    return pieces


class _Cut(torch.autograd.Function):
    @staticmethod
    def forward(rows: Tensor, seq: Sequences) -> tuple[Tensor, ...]:
        return tuple(each(seq, rows))

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Sequences], output: tuple[Tensor, ...]) -> None:  # noqa: ARG004  # torch passes it
        rows, ctx.seq = inputs
        ctx.rows = torch.empty_like(rows, device="meta")

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        return gradient(ctx.seq, ctx.rows, grads[0], grads), None


def unbroken(seq: Sequences) -> bool:
    """Whether all rows between the first and the last of each sequence count; told by the rows that `keep` keeps."""
    return seq.keep is None or int(seq.keep.sum()) == int(seq.lengths.sum())


def places(seq: Sequences, rows: Tensor) -> Iterator[Tensor]:
    """Where the rows of `each` lie along the row axis, `(n, 1)` of one sequence after the other."""
    place = torch.arange(rows.shape[seq.time or 0])
    if seq.time is None:
        return each(seq, place.unsqueeze(1))
    shape = (seq.batch, -1, 1) if seq.time == 1 else (-1, seq.batch, 1)
    return each(seq, place.unsqueeze(1 - seq.time).unsqueeze(2).expand(shape))


def blank(seq: Sequences, rows: Tensor, like: Tensor) -> Tensor:
    """A gradient of the shape of the rows to be written, 0 on padding.

    Made from `like`: under batched gradients that is a batched one.
    """
    return (like.new_empty if seq.full else like.new_zeros)(rows.shape, dtype=rows.dtype)


def gradient(seq: Sequences, rows: Tensor, like: Tensor, pieces: Iterable[Tensor]) -> Tensor:
    """A gradient as `blank` makes it, from those of one sequence after the other."""
    whole = blank(seq, rows, like)
    if seq.hops is None and unbroken(seq):
        bounds = zip(seq.start.tolist(), seq.lengths.tolist(), pieces, strict=True)
        for b, (start, length, piece) in enumerate(bounds):
            of_one = whole if seq.time is None else whole.select(1 - seq.time, b)
            of_one[start : start + length].copy_(piece)
        return whole
    for b, (place, piece) in enumerate(zip(places(seq, rows), pieces, strict=True)):
        of_one = whole if seq.time is None else whole.select(1 - seq.time, b)
        of_one.index_copy_(0, place.squeeze(1), piece.to(rows.dtype))
    return whole
