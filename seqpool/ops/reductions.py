"""One vector a sequence, by sum, extreme or choice of a step."""

import torch
from torch import Tensor

from seqpool.layout import Sequences, on_host
from seqpool.ops import peaks, segment
from seqpool.ops.choice import kernels_for
from seqpool.ops.rows import accumulator, select


def total(seq: Sequences, rows: Tensor, dtype: torch.dtype | None = None) -> Tensor:
    r"""Sum the real steps: :math:`\sum_t x_t`, `(B, F)`, 0 for an empty sequence.

    Args:
        seq: the sequences.
        rows: `(*rows, F)`; what lies in padding is never read.
        dtype: what the sum, taken in the accumulator's dtype, is rounded to once; left out, that dtype.
    """
    wide = accumulator(rows.dtype)
    kernels = kernels_for(rows)
    if kernels is None:
        return segment.total(seq, rows, dtype or wide)
    summed: Tensor = kernels.total(seq, rows, wide)
    return summed.to(dtype or wide)


def weighted(seq: Sequences, weights: Tensor, rows: Tensor) -> Tensor:
    r"""Sum the real steps, each times its weight: :math:`\sum_t w_t x_t`, `(B, F)` in the accumulator's dtype.

    Args:
        seq: the sequences.
        weights: `(*rows, 1)` in the accumulator's dtype, 0 on padding.
        rows: `(*rows, F)`; what lies in padding is never read.
    """
    if kernels_for(rows) is None and segment.one_pass(rows):
        return segment.weighted(seq, weights, rows)
    return total(seq, weights * select(seq, rows))


def mean(seq: Sequences, rows: Tensor) -> Tensor:
    r"""Average the real steps: :math:`\frac{1}{n} \sum_t x_t`, `(B, F)` in the accumulator's dtype, 0 for none.

    Args:
        seq: the sequences.
        rows: `(*rows, F)`; what lies in padding is never read.
    """
    return total(seq, rows) / seq.count.clamp(min=1).unsqueeze(1)


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
    best: Tensor = (peaks if kernels is None else kernels).peak(seq, rows, largest)
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


def _no_steps(seq: Sequences, rows: Tensor) -> Tensor:
    # The sum of nothing is the zero that backward can reach.
    return segment.total(seq, rows, rows.dtype)
