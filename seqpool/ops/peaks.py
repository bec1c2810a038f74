"""Largest and smallest rows in plain PyTorch: a dense form for every device, and on the CPU less than that."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from seqpool.layout import Sequences
from seqpool.ops import firsts, recording, segment, slices, steps
from seqpool.ops.choice import watched
from seqpool.ops.rows import accumulator

LONG = 131072
"""Numbers a sequence from which on a call a sequence costs less than to read its padding."""


def peak(seq: Sequences, rows: Tensor, largest: bool) -> Tensor:
    """First largest (smallest) real row of each sequence and feature, `(B, F)`."""
    if segment.by_slices(seq, rows, 2048) or steps.fit(seq, rows):
        best: Tensor = recording.run(_Peak, rows, seq, largest)
        return best
    if not recording.asked(rows) and not watched():  # the place is the gradient's alone
        return torch.where(firsts.some(seq), _dense(seq, rows, largest), 0)
    detached = rows.detach()
    first = _first_hit(seq, detached, _dense(seq, detached, largest))
    picked = rows.gather(seq.time or 0, first if seq.time is None else first.unsqueeze(seq.time))
    return torch.where(firsts.some(seq), picked.reshape(seq.batch, rows.shape[-1]), 0)


class _Peak(torch.autograd.Function):
    @staticmethod
    def forward(rows: Tensor, seq: Sequences, largest: bool) -> Tensor:
        if seq.full and seq.time is None and seq.hops is not None and rows.shape[0] >= 64 * seq.hops.shape[0]:
            return _of_packed(seq, rows, largest)
        if _read_at_once(seq, rows):  # in a tenth to two thirds of the time of a call a sequence
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
        if steps.fit(seq, rows) or segment.by_slices(seq, rows, 4096):
            first = firsts.place(seq, rows, best, ctx.largest)
        else:
            first = _first_hit(seq, rows, best)
        return _put(seq, rows, first, torch.where(firsts.some(seq), grad, 0)), None, None


def _put(seq: Sequences, rows: Tensor, place: Tensor, grad: Tensor) -> Tensor:
    """Gradient of the rows: that of each number of the result at its place along the row axis, 0 elsewhere."""
    whole = grad.new_zeros(rows.shape)
    # Added: the places of empty sequences may coincide with others', and add 0 there.
    if accumulator(rows.dtype) != rows.dtype:  # scattering would convert all of it to float32, and back
        feature, sequence = torch.arange(rows.shape[-1]), torch.arange(seq.batch).unsqueeze(1)
        inner = {None: (place,), 0: (place, sequence), 1: (sequence, place)}[seq.time]
        return whole.index_put_((*inner, feature), grad, accumulate=True)
    if seq.time is not None:
        place, grad = place.unsqueeze(seq.time), grad.unsqueeze(seq.time)
    return whole.scatter_add_(seq.time or 0, place, grad)


def _read_at_once(seq: Sequences, rows: Tensor) -> bool:
    """Whether the rows are one table, and what padding they have costs less than a call a sequence."""
    if seq.time is None:
        return seq.full
    wide = segment.by_slices(seq, rows, LONG)
    return rows.is_contiguous() and not wide and 2 * int(seq.count.sum()) >= rows.shape[:-1].numel()


def _of_table(seq: Sequences, rows: Tensor, largest: bool) -> Tensor:
    owner, valid = seq.owner(), seq.valid()
    if valid is not None:
        owner = torch.where(valid, owner, seq.batch)
    owner = owner.reshape(-1, 1).expand(-1, rows.shape[-1])
    extreme = rows.new_zeros(seq.batch + 1, rows.shape[-1])
    reduce = "amax" if largest else "amin"
    return extreme.scatter_reduce_(0, owner, rows.flatten(0, -2), reduce, include_self=False)[: seq.batch]


def _of_packed(seq: Sequences, rows: Tensor, largest: bool) -> Tensor:
    """Step by step through packed rows: those of one step lie together, those of one sequence do not."""
    return _running(torch.split(rows, seq.step_sizes().tolist()), largest).index_select(0, seq.start)


def _by_steps(seq: Sequences, rows: Tensor, largest: bool) -> Tensor:
    order, places = steps.walk(seq, rows)
    if not places:
        return rows.new_zeros(seq.batch, rows.shape[-1])
    return steps.back(order, _running(slices.copies(rows, places, rows.dtype), largest))


def _running(each: Iterable[Tensor], largest: bool) -> Tensor:
    """Extremes of the first rows of each step, of which none has more than the one before."""
    extreme = torch.maximum if largest else torch.minimum
    others = iter(each)
    best: Tensor = next(others).clone()
    for rows in others:
        running = best[: rows.shape[0]]
        extreme(running, rows, out=running)
    return best


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
