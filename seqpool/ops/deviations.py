"""Mean and squared deviations on the CPU, a sequence or a step at a time, so that what lies between stays in cache."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from seqpool.layout import Sequences
from seqpool.ops import recording, segment, slices, steps


def variation(seq: Sequences, rows: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Mean of the real rows of each sequence, and the sum of their squared deviations, `(B, F)` in `dtype`."""
    mean, squares, _ = recording.run(_Variation, rows, seq, dtype)
    return mean, squares


class _Variation(torch.autograd.Function):
    @staticmethod
    def forward(rows: Tensor, seq: Sequences, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
        if steps.fit(seq, rows):
            return _by_steps(seq, rows, dtype)
        results = [_of_one(each.to(dtype)) for each in slices.each(seq, rows)]
        mean, squares, missed = (torch.stack(result) for result in zip(*results, strict=True))
        return mean, squares, missed

    @staticmethod
    def setup_context(
        ctx: Any, inputs: tuple[Tensor, Sequences, torch.dtype], output: tuple[Tensor, Tensor, Tensor]
    ) -> None:
        rows, ctx.seq, _ = inputs
        mean, _, missed = output
        ctx.mark_non_differentiable(missed)
        ctx.save_for_backward(rows, mean, missed)

    @staticmethod
    def backward(ctx: Any, of_mean: Tensor, of_squares: Tensor, _: Tensor) -> tuple[Tensor, None, None]:
        rows, mean, missed = ctx.saved_tensors
        slope = 2 * of_squares
        level = of_mean / ctx.seq.count.clamp(min=1).unsqueeze(1) - slope * missed
        # In place, where nobody differentiates again.
        quick = _gradient_by_steps if steps.fit(ctx.seq, rows) else _gradient_by_slices
        gradient = _differentiable if torch.is_grad_enabled() else quick
        return gradient(ctx.seq, rows, mean, slope, level), None, None


def _of_one(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean, squares, and what the mean missed by its rounding: see `seqpool.ops.centred`."""
    count = max(x.shape[0], 1)
    mean = x.sum(0) / count
    deviation = x - mean
    missed = deviation.sum(0) / count
    return mean, deviation.sub_(missed).square_().sum(0), missed


def _by_steps(seq: Sequences, rows: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
    """The same of all sequences at once, a step at a time."""
    order, places = steps.walk(seq, rows)
    mean = steps.running(rows, places, dtype)
    count = seq.count[order[: mean.shape[0]]].unsqueeze(1)
    mean /= count
    missed, squares = torch.zeros_like(mean), torch.zeros_like(mean)
    for each in slices.copies(rows, places, dtype):
        missed[: each.shape[0]] += each.sub_(mean[: each.shape[0]])
    missed /= count
    for each in slices.copies(rows, places, dtype):
        having = each.shape[0]
        deviation = each.sub_(mean[:having]).sub_(missed[:having])
        squares[:having].addcmul_(deviation, deviation)
    return steps.back(order, mean), steps.back(order, squares), steps.back(order, missed)


def _gradient_by_steps(seq: Sequences, rows: Tensor, mean: Tensor, slope: Tensor, level: Tensor) -> Tensor:
    order, places = steps.walk(seq, rows)
    mean, slope, level = (vectors.index_select(0, order) for vectors in (mean, slope, level))
    gradient = slices.blank(seq, rows, level)
    _, own = steps.walk(seq, torch.empty(rows.shape, device="meta"))
    for each, place in zip(slices.copies(rows, places, mean.dtype), own, strict=True):
        having = each.shape[0]
        of_step = torch.addcmul(level[:having], each.sub_(mean[:having]), slope[:having])
        gradient.flatten(0, -2).index_copy_(0, place, of_step.to(rows.dtype))
    return gradient


def _gradient_by_slices(seq: Sequences, rows: Tensor, mean: Tensor, slope: Tensor, level: Tensor) -> Tensor:
    def pieces() -> Iterator[Tensor]:
        for b, each in enumerate(slices.each(seq, rows)):
            yield torch.addcmul(level[b], each - mean[b], slope[b])

    return slices.gradient(seq, rows, level, pieces())


def _differentiable(seq: Sequences, rows: Tensor, mean: Tensor, slope: Tensor, level: Tensor) -> Tensor:
    valid = seq.valid()
    if valid is not None:
        rows = torch.where(valid.unsqueeze(-1), rows, 0)
    deviation = rows - segment.spread(seq, mean)
    return (segment.spread(seq, level) + deviation * segment.spread(seq, slope)).to(rows.dtype)
