"""Smooth maxima in plain PyTorch: the whole batch at once, or on the CPU one sequence after the other."""

import math

import torch
from torch import Tensor

from seqpool.layout import Sequences
from seqpool.ops import segment, slices
from seqpool.ops.averages import softmax
from seqpool.ops.choice import kernels_for
from seqpool.ops.reductions import peak, total
from seqpool.ops.rows import accumulator, select, spread


def log_mean_exp(seq: Sequences, rows: Tensor) -> Tensor:
    """The verb of this name, `(B, F)` in the accumulator's dtype."""
    wide = accumulator(rows.dtype)
    if segment.by_slices(seq, rows, 16384):
        each = (piece.to(wide) for piece in slices.cut(seq, rows))
        return torch.stack([_log_mean_exp(x) if x.shape[0] else x.sum(0) for x in each])
    count = seq.count.unsqueeze(1)
    rows = select(seq, rows).to(wide)
    shift = _finite(peak(seq, rows.detach()))
    # Selected before exp: what overflows on padding would be NaN in backward.
    mass = total(seq, select(seq, rows - spread(seq, shift)).exp())
    return (torch.where(count > 0, mass, 1) / count.clamp(min=1)).log() + shift


def soft_peak(seq: Sequences, rows: Tensor, temperature: Tensor | float) -> Tensor:
    r"""Average each feature by the softmax of its own values: :math:`\sum_t softmax(x / \tau)_t x_t`.

    Args:
        seq: the sequences.
        rows: `(*rows, F)`; what lies in padding is never read.
        temperature: :math:`\tau`, above 0.

    Returns:
        `(B, F)` in the accumulator's dtype, 0 for an empty sequence.
    """
    wide = accumulator(rows.dtype)
    if kernels_for(rows) is None and segment.by_slices(seq, rows, 4096):
        each = (piece.to(wide) for piece in slices.cut(seq, rows))
        return torch.stack([((x / temperature).softmax(0) * x).sum(0) for x in each])
    rows = select(seq, rows).to(wide)
    return total(seq, softmax(seq, rows / temperature) * rows)


def _log_mean_exp(x: Tensor) -> Tensor:
    shift = _finite(x.detach().amax(0))
    return ((x - shift).exp().sum(0) / x.shape[0]).log() + shift


def _finite(shift: Tensor) -> Tensor:
    """The shift cancels, so it needs no gradient; an infinite one would make NaN of the infinite steps."""
    return torch.where(shift.abs() < math.inf, shift, 0)
