"""Softmax, and the averages that it weighs, in plain PyTorch."""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from seqpool.layout import Sequences
from seqpool.ops import recording, segment
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
            return _along(seq.time, scores)
        valid = valid.unsqueeze(-1)
        # An empty sequence's are NaN, and selected away as padding is.
        return torch.where(valid, _along(seq.time, torch.where(valid, scores, -math.inf)), 0)
    if segment.one_pass(scores) and _fits_a_table(seq):
        weights: Tensor = recording.run(_Softmax, scores, seq)
        return weights
    # Softmax does not change when its scores shift, so the shift needs no gradient.
    shift = spread(seq, peak(seq, scores.detach()))
    # Selected before exp, too: on padding the exponent can be any number, and backward would meet 0 * inf.
    mass = select(seq, scores - shift).exp()
    norm = total(seq, mass)
    # Real steps sum to 1 or more (the largest has mass 1); only an empty sequence sums to 0.
    return select(seq, mass / spread(seq, torch.where(norm == 0, 1, norm)))


def _along(time: int, scores: Tensor) -> Tensor:
    """Softmax over the steps of a padded batch."""
    if scores.shape[-1] > 1:
        return scores.softmax(time)
    # In a tenth of the time, where the steps are the last axis.
    return scores.squeeze(-1).softmax(time).unsqueeze(-1)


def _fits_a_table(seq: Sequences) -> bool:
    """Whether rows without padding between them are no small part of what they would be with it."""
    return seq.valid() is None and seq.batch * int(seq.lengths.max()) <= 16 * seq.values.shape[0]


class _Softmax(torch.autograd.Function):
    """Of rows that are not padded: as a padded table, which takes a fifth of the time that sums by owner do."""

    @staticmethod
    def forward(scores: Tensor, seq: Sequences) -> Tensor:
        if seq.hops is None:
            sizes, others = seq.lengths, int(seq.lengths.max())
        else:
            sizes, others = seq.step_sizes(), seq.batch
        real = (torch.arange(others) < sizes.unsqueeze(1)).unsqueeze(2)
        table = scores.new_full((*real.shape[:2], scores.shape[-1]), -math.inf).masked_scatter_(real, scores)
        return _along(1 if seq.hops is None else 0, table).masked_select(real).view_as(scores)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Sequences], output: Tensor) -> None:
        _, ctx.seq = inputs
        ctx.save_for_backward(output)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (weights,) = ctx.saved_tensors
        worth = weights * grad
        return worth - weights * spread(ctx.seq, total(ctx.seq, worth)), None


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
