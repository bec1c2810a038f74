"""Mean and squared deviations on the CPU, a sequence at a time, so that what lies between two passes stays in cache."""

from typing import Any

import torch
from torch import Tensor

from seqpool.layout import Sequences
from seqpool.ops import segment, slices


def variation(seq: Sequences, rows: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Mean of the real rows of each sequence, and the sum of their squared deviations, `(B, F)` in `dtype`."""
    mean, squares, _ = _Variation.apply(rows, seq, dtype)  # type: ignore[no-untyped-call]  # torch leaves apply untyped
    return mean, squares


class _Variation(torch.autograd.Function):
    @staticmethod
    def forward(rows: Tensor, seq: Sequences, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
        results = [_of_one(steps.to(dtype)) for steps in slices.each(seq, rows)]
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
        gradient = _differentiable if torch.is_grad_enabled() else _by_slices
        return gradient(ctx.seq, rows, mean, slope, level), None, None


def _of_one(steps: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean, squares, and what the mean missed by its rounding: see `seqpool.ops.centred`."""
    count = max(steps.shape[0], 1)
    mean = steps.sum(0) / count
    deviation = steps - mean
    missed = deviation.sum(0) / count
    return mean, deviation.sub_(missed).square_().sum(0), missed


def _by_slices(seq: Sequences, rows: Tensor, mean: Tensor, slope: Tensor, level: Tensor) -> Tensor:
    # New from level: under batched gradients it is the batched one.
    gradient = level.new_zeros(rows.shape, dtype=rows.dtype)
    for b, (steps, place) in enumerate(zip(slices.each(seq, rows), slices.places(seq, rows), strict=True)):
        of_steps = torch.addcmul(level[b], steps - mean[b], slope[b]).to(rows.dtype)
        whole = gradient if seq.time is None else gradient.select(1 - seq.time, b)
        whole.index_copy_(0, place.squeeze(1), of_steps)
    return gradient


def _differentiable(seq: Sequences, rows: Tensor, mean: Tensor, slope: Tensor, level: Tensor) -> Tensor:
    valid = seq.valid()
    if valid is not None:
        rows = torch.where(valid.unsqueeze(-1), rows, 0)
    deviation = rows - segment.spread(seq, mean)
    return (segment.spread(seq, level) + deviation * segment.spread(seq, slope)).to(rows.dtype)
