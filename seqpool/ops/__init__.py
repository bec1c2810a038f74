"""The verbs that every pooler is written in: shapes, empty batches, and the choice of backend."""

import torch
from torch import Tensor

from seqpool.layout import Sequences
from seqpool.ops import averages, deviations, exponentials, queries, segment, steps
from seqpool.ops.averages import products, softmax
from seqpool.ops.choice import backend, kernels_for
from seqpool.ops.compact import compact, restore
from seqpool.ops.exponentials import soft_peak
from seqpool.ops.reductions import gather, mean, peak, total, weighted
from seqpool.ops.rows import accumulator, select, spread
from seqpool.ops.sorting import sort

__all__ = [
    "accumulator",
    "attend",
    "attend_by",
    "backend",
    "centred",
    "compact",
    "gather",
    "log_mean_exp",
    "mean",
    "peak",
    "restore",
    "select",
    "soft_peak",
    "softmax",
    "sort",
    "spread",
    "total",
    "variation",
    "weighted",
]


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
        pooled, shift, mass = kernels.attend(
            seq, scores, rows, accumulator(torch.promote_types(scores.dtype, rows.dtype))
        )
        distance = select(seq, scores.to(shift.dtype) - spread(seq, shift))
        return pooled, select(seq, distance.exp() / spread(seq, torch.where(mass == 0, 1, mass)))
    weights = softmax(seq, scores)
    return averages.average(seq, weights, rows), weights


def attend_by(seq: Sequences, rows: Tensor, query: Tensor) -> Tensor:
    r"""Average the real steps with the softmax of their products with a query: :math:`\sum_t softmax(q^\top x)_t x_t`.

    Kernels with one query of 64 features or more, and the CPU where sequences are long, read each row once.

    Args:
        seq: the sequences.
        rows: `(*rows, D)`; what lies in padding is never read.
        query: `(H, D)` for all sequences, or `(B, H, D)`, one matrix a sequence.

    Returns:
        `(B, H, D)` in the accumulator's dtype.
    """
    dtype = accumulator(torch.promote_types(rows.dtype, query.dtype))
    kernels = kernels_for(rows)
    if kernels is None:
        return queries.attend_by(seq, rows, query, dtype)
    if kernels.holds(rows, query, dtype):
        pooled: Tensor = kernels.attend_by(seq, rows, query, dtype)
        return pooled
    return weighed_by(seq, rows, query)[0]


def weighed_by(seq: Sequences, rows: Tensor, query: Tensor) -> tuple[Tensor, Tensor]:
    """What `attend_by` gives, and the weights as `attend` gives them: a read more, for whoever asks for weights."""
    zeroed = select(seq, rows)
    scores = products(seq, zeroed, query)
    if kernels_for(rows) is not None:
        return attend(seq, scores, zeroed)
    return attend_by(seq, rows, query), softmax(seq, scores)


def log_mean_exp(seq: Sequences, rows: Tensor) -> Tensor:
    r"""Logarithm of the mean exponential of the real steps, :math:`\log \frac{1}{n} \sum_t e^{x_t}`; 0 for none.

    Args:
        seq: the sequences.
        rows: `(*rows, F)`; what lies in padding is never read.

    """
    kernels = kernels_for(rows)
    if kernels is not None:
        count = seq.count.unsqueeze(1)
        summed: Tensor = kernels.logsumexp(seq, rows, accumulator(rows.dtype))
        return torch.where(count > 0, summed - count.clamp(min=1).to(summed.dtype).log(), 0)
    return exponentials.log_mean_exp(seq, rows)


def centred(seq: Sequences, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Mean of each sequence, `(B, F)`, and the deviation of each row from it, `(*rows, F)`; rows finite on padding."""
    centre = mean(seq, rows)
    deviation = rows - spread(seq, centre)
    # Over long sequences of large values the mean is rounded by more than the steps differ; what it missed is the mean
    # of the deviations. Without rounding that is 0, so it needs no gradient.
    return centre, deviation - spread(seq, mean(seq, deviation.detach()))


def variation(seq: Sequences, rows: Tensor) -> tuple[Tensor, Tensor]:
    r"""Mean of the real steps, and the sum of their squared deviations, :math:`\sum_t (x_t - \bar{x})^2`.

    Args:
        seq: the sequences.
        rows: `(*rows, F)`; what lies in padding is never read.

    Returns:
        Both `(B, F)` in the accumulator's dtype, 0 for an empty sequence.
    """
    kernels = kernels_for(rows)
    if kernels is not None or segment.by_slices(seq, rows, 16384) or steps.fit(seq, rows):
        both: tuple[Tensor, Tensor] = (kernels or deviations).variation(seq, rows, accumulator(rows.dtype))
        return both
    centre, deviation = centred(seq, select(seq, rows))
    return centre, total(seq, deviation.square())
