"""Largest and smallest rows in plain PyTorch: a dense form for every device, and on the CPU less than that."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from seqpool.layout import Sequences
from seqpool.ops import recording, segment, slices, steps
from seqpool.ops.rows import accumulator


def peak(seq: Sequences, rows: Tensor, largest: bool) -> Tensor:
    """First largest (smallest) real row of each sequence and feature, `(B, F)`."""
    if segment.by_slices(seq, rows, 2048) or steps.fit(seq, rows):
        best: Tensor = recording.run(_Peak, rows, seq, largest)
        return best
    detached = rows.detach()
    first = _first_hit(seq, detached, _dense(seq, detached, largest))
    picked = rows.gather(seq.time or 0, first if seq.time is None else first.unsqueeze(seq.time))
    return torch.where(_some(seq), picked.reshape(seq.batch, rows.shape[-1]), 0)


class _Peak(torch.autograd.Function):
    @staticmethod
    def forward(rows: Tensor, seq: Sequences, largest: bool) -> Tensor:
        if seq.full and seq.time is None:  # in a tenth to two thirds of the time of a call a sequence
            if seq.hops is not None and rows.shape[0] >= 64 * seq.hops.shape[0]:  # rows a step
                return _of_packed(seq, rows, largest)
            return _of_table(seq, rows, largest)
        if steps.fit(seq, rows):
            return _by_steps(seq, rows, largest)
        reduce = torch.amax if largest else torch.amin
        empty = rows.new_zeros(rows.shape[-1])
        return torch.stack([reduce(each, 0) if each.shape[0] else empty for each in slices.each(seq, rows)])

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Sequences, bool], output: Tensor) -> None:
        rows, ctx.seq, ctx.largest = inputs
        ctx.save_for_backward(rows, output)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        rows, best = (saved.detach() for saved in ctx.saved_tensors)
        seq = ctx.seq
        if steps.fit(seq, rows):
            first = _first_by_steps(seq, rows, best, ctx.largest)
        elif segment.by_slices(seq, rows, 4096):
            first = _first_by_slices(seq, rows, best, ctx.largest)
        else:
            first = _first_hit(seq, rows, best)
        grad = torch.where(_some(seq), grad, 0)
        if seq.time is not None:
            first, grad = first.unsqueeze(seq.time), grad.unsqueeze(seq.time)
        # Added: the places of empty sequences may coincide with others', and add 0 there.
        return grad.new_zeros(rows.shape).scatter_add_(seq.time or 0, first, grad), None, None


def _of_table(seq: Sequences, rows: Tensor, largest: bool) -> Tensor:
    owner = seq.owner().unsqueeze(1).expand_as(rows)
    extreme = rows.new_zeros(seq.batch, rows.shape[-1])
    return extreme.scatter_reduce_(0, owner, rows, "amax" if largest else "amin", include_self=False)


def _of_packed(seq: Sequences, rows: Tensor, largest: bool) -> Tensor:
    """Step by step through packed rows: those of one step lie together, those of one sequence do not."""
    assert seq.hops is not None
    sizes = slices.step_sizes(seq.hops, rows).tolist()
    return _running(torch.split(rows, sizes), largest).index_select(0, seq.start)


def _by_steps(seq: Sequences, rows: Tensor, largest: bool) -> Tensor:
    order, places = steps.walk(seq, rows)
    if not places:
        return rows.new_zeros(seq.batch, rows.shape[-1])
    return steps.back(order, _running(steps.each(rows, places, rows.dtype), largest))


def _running(each: Iterable[Tensor], largest: bool) -> Tensor:
    """Extremes of the first rows of each step, of which none has more than the one before."""
    extreme = torch.maximum if largest else torch.minimum
    first, *others = each
    best: Tensor = first.clone()
    for rows in others:
        running = best[: rows.shape[0]]
        extreme(running, rows, out=running)
    return best


def _first_by_steps(seq: Sequences, rows: Tensor, best: Tensor, largest: bool) -> Tensor:
    """Place along the row axis of the first extreme row, `(B, F)`; any place for an empty sequence."""
    order, places = steps.walk(seq, rows)
    best = best.to(accumulator(rows.dtype)).index_select(0, order)
    rank = torch.zeros_like(best)
    for left, each in zip(range(len(places), 0, -1), steps.each(rows, places, best.dtype), strict=True):
        count = each.shape[0]
        torch.maximum(rank[:count], _hits(each, best[:count], largest).mul_(left), out=rank[:count])
    some = _some(seq)
    step = torch.where(some, steps.back(order, len(places) - rank).long(), 0)
    return torch.where(some, seq.start.unsqueeze(1) + (step if seq.hops is None else seq.hops[step]), 0)


def _first_by_slices(seq: Sequences, rows: Tensor, best: Tensor, largest: bool) -> Tensor:
    """Place along the row axis of the first extreme row, `(B, F)`; any place for an empty sequence."""
    best = best.to(accumulator(rows.dtype))
    found = []
    for each, place, extreme in zip(slices.each(seq, rows), slices.places(seq, rows), best, strict=True):
        count = each.shape[0]
        # A step's number must be exact.
        left = torch.arange(count, 0, -1, dtype=best.dtype if count < 2**24 else torch.float64).unsqueeze(1)
        if count == 0:
            found.append(torch.zeros(rows.shape[-1], dtype=torch.int64))
            continue
        step = (count - (_hits(each, extreme, largest) * left).amax(0)).long()
        found.append(place[:, 0].index_select(0, step))
    return torch.stack(found)


def _hits(rows: Tensor, best: Tensor, largest: bool) -> Tensor:
    """1 where a row is its sequence's extreme, or is NaN, as then the extreme is; 0 elsewhere."""
    rows = rows.to(best.dtype)
    # Written as numbers, in half the time that booleans take.
    hit = torch.empty_like(rows)
    (torch.ge if largest else torch.le)(rows, best, out=hit)
    return torch.maximum(hit, torch.ne(rows, rows, out=torch.empty_like(rows)), out=hit)


def _some(seq: Sequences) -> Tensor:
    return (seq.count > 0).unsqueeze(1)


def _dense(seq: Sequences, rows: Tensor, largest: bool) -> Tensor:
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
