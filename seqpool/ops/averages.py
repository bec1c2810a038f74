"""Softmax, and the averages that it weighs, in plain PyTorch."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from seqpool.layout import Sequences
from seqpool.ops.reductions import peak, total, weighted
from seqpool.ops.rows import accumulator, by_sequence, select, spread, weigh_padded


def softmax(seq: Sequences, scores: Tensor) -> Tensor:
    r"""Turn scores into weights that sum to 1 over the real steps: :math:`softmax(s)_t`.

    Args:
        seq: the sequences.
        scores: `(*rows, H)`, finite on padding.

    Returns:
        `(*rows, H)` in the accumulator's dtype, exactly 0 on padding.
    """
    scores = scores.to(accumulator(scores.dtype))
    if seq.time is not None:
        valid = seq.valid()
        if valid is None:
            return scores.softmax(seq.time)
        # An empty sequence's are NaN, and selected away as padding is.
        return select(seq, torch.where(valid.unsqueeze(-1), scores, -math.inf).softmax(seq.time))
    # Softmax does not change when its scores shift, so the shift needs no gradient.
    shift = spread(seq, peak(seq, scores.detach()))
    # Selected before exp, too: on padding the exponent can be any number, and backward would meet 0 * inf.
    mass = select(seq, scores - shift).exp()
    norm = total(seq, mass)
    # Real steps sum to 1 or more (the largest has mass 1); only an empty sequence sums to 0.
    return select(seq, mass / spread(seq, torch.where(norm == 0, 1, norm)))


def average(seq: Sequences, weights: Tensor, rows: Tensor) -> Tensor:
    """Sum of the weighted rows, `(B, H, F)`: weights `(*rows, H)`, 0 on padding; rows `(*rows, F)`, finite there."""
    if seq.time is None:
        return torch.stack([weighted(seq, each.unsqueeze(-1), rows) for each in weights.unbind(-1)], 1)
    return weigh_padded(seq, weights, rows.to(weights.dtype))


def products(seq: Sequences, rows: Tensor, query: Tensor) -> Tensor:
    """Scores `(*rows, H)`: of each row with one query for all, `(H, D)`, or with its own sequence's, `(B, H, D)`."""
    if query.ndim == 2:
        return F.linear(rows, query)
    if seq.time is None:
        return (spread(seq, query) * rows.unsqueeze(-2)).sum(-1)
    return by_sequence(seq, torch.matmul(by_sequence(seq, rows), query.transpose(1, 2)))
