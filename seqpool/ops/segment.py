"""The reference backend in plain PyTorch.

Each reduction has a dense form, which every device, graph and transform can run and differentiate. Where the host may
read lengths (`on_host`), a sum or a maximum reads just the real rows instead, in one pass.
"""

from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from seqpool.layout import Sequences, on_host


def total(seq: Sequences, rows: Tensor, dtype: torch.dtype) -> Tensor:
    """Sum of the real rows of each sequence, `(B, F)` in `dtype`."""
    if on_host(rows) and 0 not in rows.shape:
        summed: Tensor = _Total.apply(rows, seq, dtype)  # type: ignore[no-untyped-call]  # torch leaves apply untyped
        return summed
    return _dense_total(seq, rows, dtype)


def peak(seq: Sequences, rows: Tensor, largest: bool) -> Tensor:
    """First largest (smallest) real row of each sequence and feature, `(B, F)`."""
    if on_host(rows) and _slices_win(seq, rows):
        best: Tensor = _Peak.apply(rows, seq, largest)  # type: ignore[no-untyped-call]  # torch leaves apply untyped
        return best
    detached = rows.detach()
    first = _first_hit(seq, detached, _dense_peak(seq, detached, largest))
    picked = rows.gather(seq.time or 0, first if seq.time is None else first.unsqueeze(seq.time))
    return torch.where(_some(seq), picked.reshape(seq.batch, rows.shape[-1]), 0)


def pick(seq: Sequences, rows: Tensor, step: Tensor) -> Tensor:
    """The row at real step `step[b]` of each sequence, `(B, F)`; any row for an empty one."""
    place, *inner = seq.at(step)
    if not on_host(rows) or (inner and rows.stride(0) != rows.shape[1] * rows.stride(1)):
        return rows[(place, *inner)]
    # The same rows out of one table, in a quarter of the time that an index a dimension takes.
    if inner:
        place = torch.add(inner[0], place, alpha=rows.shape[1])
    return rows.flatten(0, -2).index_select(0, place)


class _Total(torch.autograd.Function):
    @staticmethod
    def forward(rows: Tensor, seq: Sequences, dtype: torch.dtype) -> Tensor:
        table = _table(rows) if rows.dtype == dtype else None
        if table is not None:
            index = _index(seq, rows)
            bounds = F.pad(seq.count.cumsum(0), (1, 0))
            return F.embedding_bag(index, table, bounds, mode="sum", include_last_offset=True)
        return torch.stack([steps.sum(0, dtype=dtype) for steps in _each(seq, rows)])

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Sequences, torch.dtype], output: Tensor) -> None:  # noqa: ARG004  # torch passes it
        rows, ctx.seq, _ = inputs
        ctx.dtype, ctx.shape = rows.dtype, rows.shape

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        return _spread(ctx.seq, grad.to(ctx.dtype)).expand(ctx.shape), None, None


class _Peak(torch.autograd.Function):
    @staticmethod
    def forward(rows: Tensor, seq: Sequences, largest: bool) -> Tensor:
        reduce = torch.amax if largest else torch.amin
        empty = rows.new_zeros(rows.shape[-1])
        return torch.stack([reduce(steps, 0) if steps.shape[0] else empty for steps in _each(seq, rows)])

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Sequences, bool], output: Tensor) -> None:
        rows, ctx.seq, _ = inputs
        ctx.save_for_backward(rows, output)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        rows, best = ctx.saved_tensors
        seq = ctx.seq
        first = _first_hit(seq, rows.detach(), best.detach())
        grad = torch.where(_some(seq), grad, 0)
        if seq.time is not None:
            first, grad = first.unsqueeze(seq.time), grad.unsqueeze(seq.time)
        # scatter_add: the clamped places of empty sequences may coincide with others', and add 0 there.
        return torch.zeros_like(rows).scatter_add(seq.time or 0, first, grad), None, None


def _slices_win(seq: Sequences, rows: Tensor) -> bool:
    # A call a sequence costs about as much as the dense form spends on 2,048 numbers.
    return 0 not in rows.shape and rows.numel() >= 2048 * seq.batch


def _some(seq: Sequences) -> Tensor:
    return (seq.count > 0).unsqueeze(1)


def _spread(seq: Sequences, vectors: Tensor) -> Tensor:
    """Each row's own vector, 0 on padding."""
    spread = vectors[seq.owner()] if seq.time is None else vectors.unsqueeze(seq.time)
    valid = seq.valid()
    return spread if valid is None else torch.where(valid.unsqueeze(-1), spread, 0)


def _dense_total(seq: Sequences, rows: Tensor, dtype: torch.dtype) -> Tensor:
    valid = seq.valid()
    if valid is not None:
        rows = torch.where(valid.unsqueeze(-1), rows, 0)
    if seq.time is not None:
        return rows.sum(seq.time, dtype=dtype)
    return rows.new_zeros((seq.batch, rows.shape[-1]), dtype=dtype).index_add(0, seq.owner(), rows.to(dtype))


def _dense_peak(seq: Sequences, rows: Tensor, largest: bool) -> Tensor:
    worst = float("-inf") if largest else float("inf")
    valid = seq.valid()
    if valid is not None:
        rows = torch.where(valid.unsqueeze(-1), rows, worst)
    if seq.time is not None:
        return rows.amax(seq.time) if largest else rows.amin(seq.time)
    return _by_owner(seq, rows, rows.new_full((seq.batch, rows.shape[-1]), worst), "amax" if largest else "amin")


def _first_hit(seq: Sequences, rows: Tensor, best: Tensor) -> Tensor:
    """Place along the row axis of the first row that equals `best`, NaN equal to NaN; the final one if none does."""
    wanted = best[seq.owner()] if seq.time is None else best.unsqueeze(seq.time)
    hit = (rows == wanted) | (rows.isnan() & wanted.isnan())
    valid = seq.valid()
    if valid is not None:
        hit = hit & valid.unsqueeze(-1)
    axis = seq.time or 0
    final = rows.shape[axis] - 1
    place = torch.arange(rows.shape[axis], device=rows.device)
    place = place.unsqueeze(1) if seq.time != 0 else place.view(-1, 1, 1)
    place = torch.where(hit, place, final)
    if seq.time is not None:
        return place.amin(seq.time)
    return _by_owner(seq, place, place.new_full((seq.batch, rows.shape[-1]), final), "amin")


def _by_owner(seq: Sequences, rows: Tensor, start: Tensor, reduce: str) -> Tensor:
    owner = seq.owner().unsqueeze(1).expand_as(rows)
    return start.scatter_reduce(0, owner, rows, reduce)


def _table(rows: Tensor) -> Tensor | None:
    """Rows as one table `(M, F)` without a copy, where their strides are whole rows; `None` elsewhere."""
    width = rows.shape[-1]
    if rows.stride(-1) != 1 or any(stride % width for stride in rows.stride()[:-1]):
        return None
    last = sum((size - 1) * stride for size, stride in zip(rows.shape[:-1], rows.stride()[:-1], strict=True))
    return rows.as_strided((last // width + 1, width), (width, 1))


def _index(seq: Sequences, rows: Tensor) -> Tensor:
    """Place in `_table(rows)` of every real row, sequence by sequence."""
    pitch = [stride // rows.shape[-1] for stride in rows.stride()[:-1]]
    if seq.time is None and seq.hops is None and seq.full:
        return torch.arange(rows.shape[0]) * pitch[0]
    if seq.time is None and seq.hops is None:
        valid = seq.valid()
        assert valid is not None
        return valid.nonzero().squeeze(1) * pitch[0]
    if seq.keep is not None and seq.time is not None:
        sequence, step = (seq.keep if seq.time == 1 else seq.keep.t()).nonzero().unbind(1)
    else:
        steps = seq.hops.shape[0] if seq.hops is not None else rows.shape[seq.time or 0]
        sequence, step = (torch.arange(steps) < seq.lengths.unsqueeze(1)).nonzero().unbind(1)
    if seq.hops is not None:
        place = seq.hops[step] + seq.start[sequence]
        return (place if seq.keep is None else place[seq.keep[place]]) * pitch[0]
    by_sequence, by_step = pitch if seq.time == 1 else reversed(pitch)
    return sequence * by_sequence + step * by_step


def _each(seq: Sequences, rows: Tensor) -> Iterator[Tensor]:
    """The real rows of one sequence after the other, as slices where the layout has them."""
    for b, (start, length) in enumerate(zip(seq.start.tolist(), seq.lengths.tolist(), strict=True)):
        steps, keep = rows, seq.keep
        if seq.time is not None:
            steps, keep = rows.select(1 - seq.time, b), None if keep is None else keep.select(1 - seq.time, b)
        if seq.hops is None and keep is None:
            yield steps[start : start + length]
            continue
        place = start + (torch.arange(length) if seq.hops is None else seq.hops[:length])
        yield steps.index_select(0, place if keep is None else place[keep[place]])
