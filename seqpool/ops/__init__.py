"""The verbs that every pooler is written in: shapes, empty batches, and the choice of backend."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from seqpool.layout import Sequences, on_host
from seqpool.ops import deviations, segment
from seqpool.ops.choice import backend, kernels_for
from seqpool.ops.rows import accumulator, select, spread
from seqpool.ops.sorting import sort

__all__ = [
    "accumulator",
    "attend",
    "attend_by",
    "backend",
    "centred",
    "gather",
    "log_mean_exp",
    "peak",
    "select",
    "softmax",
    "sort",
    "spread",
    "total",
    "variation",
]


def total(seq: Sequences, rows: Tensor) -> Tensor:
    r"""Sum the real steps: :math:`\sum_t x_t`, `(B, F)` in the accumulator's dtype, 0 for an empty sequence.

    Args:
        seq: the sequences.
        rows: `(*rows, F)`; what lies in padding is never read.
    """
    kernels = kernels_for(rows)
    summed: Tensor = (segment if kernels is None else kernels).total(seq, rows, accumulator(rows.dtype))
    return summed


def peak(seq: Sequences, rows: Tensor, *, largest: bool = True) -> Tensor:
    r"""Largest (or smallest) real step of each feature, `(B, F)`; the gradient goes to the first such step.

    NaN propagates; an empty sequence gives 0.

    Args:
        seq: the sequences.
        rows: `(*rows, F)`; what lies in padding is never read.
        largest: the maximum rather than the minimum.
    """
    if 0 in rows.shape:
        return _no_steps(seq, rows)
    kernels = kernels_for(rows)
    best: Tensor = (segment if kernels is None else kernels).peak(seq, rows, largest)
    return best


def gather(seq: Sequences, rows: Tensor, step: Tensor) -> Tensor:
    """The row at step `step[b]` of each sequence, `(B, F)`; an empty sequence gives 0.

    Args:
        seq: the sequences.
        rows: `(*rows, F)`.
        step: `(B,)`, counted over the real steps from 0; below `count` unless that is 0.
    """
    if 0 in rows.shape:
        return _no_steps(seq, rows)
    picked = segment.pick(seq, rows, step)
    # A pass over the result that costs as much as the result, where the host can see that it changes nothing.
    if on_host(seq.lengths) and bool(seq.lengths.all()):
        return picked
    return torch.where((seq.lengths > 0).unsqueeze(1), picked, 0)


def softmax(seq: Sequences, scores: Tensor) -> Tensor:
    r"""Turn scores into weights that sum to 1 over the real steps: :math:`softmax(s)_t`.

    Args:
        seq: the sequences.
        scores: `(*rows, H)`, finite on padding.

    Returns:
        `(*rows, H)` in the accumulator's dtype, exactly 0 on padding.
    """
    scores = scores.to(accumulator(scores.dtype))
    # Softmax does not change when its scores shift, so the shift needs no gradient.
    shift = spread(seq, peak(seq, scores.detach()))
    # Selected before exp, too: on padding the exponent can be any number, and backward would meet 0 * inf.
    mass = select(seq, scores - shift).exp()
    norm = total(seq, mass)
    # Real steps sum to 1 or more (the largest has mass 1); only an empty sequence sums to 0.
    return select(seq, mass / spread(seq, torch.where(norm == 0, 1, norm)))


def attend(seq: Sequences, scores: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
    r"""Average the real steps with the softmax of their scores: :math:`\sum_t softmax(s)_t x_t`.

    Args:
        seq: the sequences.
        scores: `(*rows, H)`, finite on padding.
        rows: `(*rows, F)`, finite on padding (see `select`).

    Returns:
        The averages, `(B, H, F)`, and the weights, `(*rows, H)`, exactly 0 on padding; both in the accumulator's dtype.
    """
    kernels = kernels_for(rows)
    if kernels is not None:
        averages, shift, mass = kernels.attend(
            seq, scores, rows, accumulator(torch.promote_types(scores.dtype, rows.dtype))
        )
        distance = select(seq, scores.to(shift.dtype) - spread(seq, shift))
        return averages, select(seq, distance.exp() / spread(seq, torch.where(mass == 0, 1, mass)))
    weights = softmax(seq, scores)
    weighted = weights.unsqueeze(-1) * rows.unsqueeze(-2)
    pooled = total(seq, weighted.flatten(-2))
    return pooled.reshape(seq.batch, scores.shape[-1], rows.shape[-1]), weights


def attend_by(seq: Sequences, rows: Tensor, query: Tensor) -> Tensor:
    r"""Average the real steps with the softmax of their products with a query: :math:`\sum_t softmax(q^\top x)_t x_t`.

    Kernels read each row once, and keep scores in the accumulator's dtype.

    Args:
        seq: the sequences.
        rows: `(*rows, D)`; what lies in padding is never read.
        query: `(H, D)` for all sequences, or `(B, H, D)`, one matrix a sequence.

    Returns:
        `(B, H, D)` in the accumulator's dtype.
    """
    dtype = accumulator(torch.promote_types(rows.dtype, query.dtype))
    kernels = kernels_for(rows)
    if kernels is not None and kernels.holds(rows, query, dtype):
        averages: Tensor = kernels.attend_by(seq, rows, query, dtype)
        return averages
    rows = select(seq, rows)
    scores = F.linear(rows, query) if query.ndim == 2 else (spread(seq, query) * rows.unsqueeze(-2)).sum(-1)
    return attend(seq, scores, rows)[0]


def log_mean_exp(seq: Sequences, rows: Tensor) -> Tensor:
    r"""Logarithm of the mean exponential of the real steps, :math:`\log \frac{1}{n} \sum_t e^{x_t}`; 0 for none.

    Args:
        seq: the sequences.
        rows: `(*rows, F)`; what lies in padding is never read.

    """
    count = seq.count.unsqueeze(1)
    kernels = kernels_for(rows)
    if kernels is not None:
        summed: Tensor = kernels.logsumexp(seq, rows, accumulator(rows.dtype))
        return torch.where(count > 0, summed - count.clamp(min=1).to(summed.dtype).log(), 0)
    rows = select(seq, rows).to(accumulator(rows.dtype))
    # The shift cancels, so it needs no gradient; an infinite one would make NaN of the infinite steps.
    shift = peak(seq, rows.detach())
    shift = torch.where(shift.abs() < math.inf, shift, 0)
    # Selected before exp: what overflows on padding would be NaN in backward.
    mass = total(seq, select(seq, rows - spread(seq, shift)).exp())
    return (torch.where(count > 0, mass, 1) / count.clamp(min=1)).log() + shift


def centred(seq: Sequences, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Mean of each sequence, `(B, F)`, and the deviation of each row from it, `(*rows, F)`; rows finite on padding."""
    count = seq.count.clamp(min=1).unsqueeze(1)
    mean = total(seq, rows) / count
    deviation = rows - spread(seq, mean)
    # Over long sequences of large values the mean is rounded by more than the steps differ; what it missed is the mean
    # of the deviations. Without rounding that is 0, so it needs no gradient.
    return mean, deviation - spread(seq, total(seq, deviation.detach()) / count)


def variation(seq: Sequences, rows: Tensor) -> tuple[Tensor, Tensor]:
    r"""Mean of the real steps, and the sum of their squared deviations, :math:`\sum_t (x_t - \bar{x})^2`.

    Args:
        seq: the sequences.
        rows: `(*rows, F)`; what lies in padding is never read.

    Returns:
        Both `(B, F)` in the accumulator's dtype, 0 for an empty sequence.
    """
    kernels = kernels_for(rows)
    if kernels is not None or segment.by_slices(seq, rows, 16384):
        both: tuple[Tensor, Tensor] = (kernels or deviations).variation(seq, rows, accumulator(rows.dtype))
        return both
    mean, deviation = centred(seq, select(seq, rows))
    return mean, total(seq, deviation.square())


def _no_steps(seq: Sequences, rows: Tensor) -> Tensor:
    # The sum of nothing is the zero that backward can reach.
    return segment.total(seq, rows, rows.dtype)
