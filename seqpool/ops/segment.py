"""The reference backend in plain PyTorch.

Each reduction has a dense form, which every device, graph and transform can run and differentiate. Where the host may
read lengths (`on_host`), a sum or a maximum reads just the real rows instead, in one pass.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from seqpool.layout import Sequences, on_host
from seqpool.ops import slices
from seqpool.ops.rows import spread as rows_spread

_BLOCK = 16  # steps


def total(seq: Sequences, rows: Tensor, dtype: torch.dtype) -> Tensor:
    """Sum of the real rows of each sequence, `(B, F)` in `dtype`."""
    if on_host(rows) and 0 not in rows.shape:
        summed: Tensor = _Total.apply(rows, seq, dtype)  # type: ignore[no-untyped-call]  # torch leaves apply untyped
        return summed
    return _dense_total(seq, rows, dtype)


def peak(seq: Sequences, rows: Tensor, largest: bool) -> Tensor:
    """First largest (smallest) real row of each sequence and feature, `(B, F)`."""
    if by_slices(seq, rows, 2048):
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


def by_slices(seq: Sequences, rows: Tensor, numbers: int) -> bool:
    """Whether a few calls a sequence, over its real rows alone, cost less than the dense form does on `numbers`."""
    return on_host(rows) and 0 not in rows.shape and rows.numel() >= numbers * seq.batch


class _Total(torch.autograd.Function):
    @staticmethod
    def forward(rows: Tensor, seq: Sequences, dtype: torch.dtype) -> Tensor:
        table = slices.table(rows)
        # Half types: short sequences are converted at once, long ones a sequence at a time, in the cache.
        if table is not None and (rows.dtype == dtype or rows.numel() < 16384 * seq.batch):
            index = slices.index(seq, rows)
            if rows.dtype != dtype:
                table, index = table.index_select(0, index).to(dtype), torch.arange(index.shape[0])
            bounds = F.pad(seq.count.cumsum(0), (1, 0))
            return F.embedding_bag(index, table, bounds, mode="sum", include_last_offset=True)
        return torch.stack([steps.sum(0, dtype=dtype) for steps in slices.each(seq, rows)])

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Sequences, torch.dtype], output: Tensor) -> None:  # noqa: ARG004  # torch passes it
        rows, ctx.seq, _ = inputs
        ctx.dtype, ctx.shape = rows.dtype, rows.shape

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        return spread(ctx.seq, grad.to(ctx.dtype)).expand(ctx.shape), None, None


class _Peak(torch.autograd.Function):
    @staticmethod
    def forward(rows: Tensor, seq: Sequences, largest: bool) -> Tensor:
        if seq.full and seq.hops is not None:
            return _running_peak(seq, rows, largest)
        if seq.full and seq.time is None:  # in a tenth to two thirds of the time that a call a sequence takes
            return torch.where(_some(seq), _dense_peak(seq, rows, largest), 0)
        reduce = torch.amax if largest else torch.amin
        empty = rows.new_zeros(rows.shape[-1])
        return torch.stack([reduce(steps, 0) if steps.shape[0] else empty for steps in slices.each(seq, rows)])

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Sequences, bool], output: Tensor) -> None:
        rows, ctx.seq, ctx.largest = inputs
        ctx.save_for_backward(rows, output)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        rows, best = (saved.detach() for saved in ctx.saved_tensors)
        seq = ctx.seq
        quick = by_slices(seq, rows, 4096)
        first = _first_places(seq, rows, ctx.largest) if quick else _first_hit(seq, rows, best)
        grad = torch.where(_some(seq), grad, 0)
        if seq.time is not None:
            first, grad = first.unsqueeze(seq.time), grad.unsqueeze(seq.time)
        # Added: the places of empty sequences may coincide with others', and add 0 there.
        return grad.new_zeros(rows.shape).scatter_add_(seq.time or 0, first, grad), None, None


def _running_peak(seq: Sequences, rows: Tensor, largest: bool) -> Tensor:
    """Step by step through packed rows: those of one step lie together, those of one sequence do not."""
    assert seq.hops is not None
    extreme = torch.maximum if largest else torch.minimum
    sizes = torch.diff(seq.hops, append=seq.hops.new_tensor([rows.shape[0]])).tolist()
    first, *steps = torch.split(rows, sizes)
    best: Tensor = first.clone()
    for step in steps:
        running = best[: step.shape[0]]
        extreme(running, step, out=running)
    return best.index_select(0, seq.start)


def _first_places(seq: Sequences, rows: Tensor, largest: bool) -> Tensor:
    """Place along the row axis of the first extreme row, `(B, F)`; any place for an empty sequence."""
    anywhere = torch.zeros(rows.shape[-1], dtype=torch.int64)
    return torch.stack(
        [
            place.expand(-1, steps.shape[1]).gather(0, _first_step(steps, largest))[0] if steps.shape[0] else anywhere
            for steps, place in zip(slices.each(seq, rows), slices.places(seq, rows), strict=True)
        ]
    )


def _first_step(steps: Tensor, largest: bool) -> Tensor:
    """First extreme one of the steps `(n, F)`, `(1, F)`."""
    find, reduce = (torch.max, torch.amax) if largest else (torch.min, torch.amin)
    if steps.shape[0] <= 4 * _BLOCK:
        return find(steps, 0, keepdim=True).indices
    # First its block: extremes alone cost a tenth of extremes with indices. The final block may overlap another.
    final = steps.shape[0] - _BLOCK
    whole = steps[: steps.shape[0] // _BLOCK * _BLOCK].view(-1, _BLOCK, steps.shape[1])
    blocks = torch.cat([reduce(whole, 1), reduce(steps[final:], 0, keepdim=True)])
    start = (find(blocks, 0, keepdim=True).indices * _BLOCK).clamp(max=final)
    within = start + torch.arange(_BLOCK).unsqueeze(1)
    return start + find(steps.gather(0, within), 0, keepdim=True).indices


def _some(seq: Sequences) -> Tensor:
    return (seq.count > 0).unsqueeze(1)


def spread(seq: Sequences, vectors: Tensor) -> Tensor:
    """Each row's own vector, 0 on padding."""
    valid = seq.valid()
    if valid is None:
        return rows_spread(seq, vectors)
    if not on_host(vectors):
        return torch.where(valid.unsqueeze(-1), rows_spread(seq, vectors), 0)
    # Whole vectors are copied, onto padding one of zeros: up to 30 times faster than to select number by number.
    place = torch.where(valid, seq.owner(), seq.batch)
    return F.pad(vectors, (0, 0, 0, 1)).index_select(0, place.flatten()).view(*place.shape, vectors.shape[-1])


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
