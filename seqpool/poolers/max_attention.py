"""Attention: a query that is the maximum over the steps."""

from typing import final

import torch
from torch import Tensor

from seqpool.layout import Sequences
from seqpool.ops import accumulator, peak, spread
from seqpool.poolers.attention import weigh_by
from seqpool.poolers.base import AttentionBase


def max_attention(seq: Sequences) -> tuple[Tensor, Tensor]:
    """Average of the steps by their match with the maximum, `(B, F)`, and weights; see `MaxAttentionPooler`."""
    return weigh_by(seq, lambda rows, flat: (spread(flat, peak(flat, rows)) * _direction(rows)).sum(-1, keepdim=True))


def _direction(rows: Tensor) -> Tensor:
    """Rows of length 1; a row of zeros has no direction and stays, with gradient 0."""
    rows = rows.to(accumulator(rows.dtype))
    square = rows.square().sum(-1, keepdim=True)
    nothing = square == 0
    return rows * torch.where(nothing, 0, torch.where(nothing, 1, square).rsqrt())


@final
class MaxAttentionPooler(AttentionBase):
    r"""Average the steps with softmax weights from their match with the maximum of each feature.

    The steps are normalised in the scores alone. Unlike in the released code, where it gives NaN, a step of zeros
    scores 0.

    .. math::
        y = \sum_t \alpha_t x_t, \quad \alpha = softmax_t\left(q^\top \frac{x_t}{\|x_t\|}\right), \quad
        q_d = \max_t x_{t,d}

    Source: Maini et al. 2020, "Why and when should you pool? Analyzing Pooling in Recurrent Architectures"
    (https://arxiv.org/abs/2005.00159).

    Shape:
        n steps of D features -> D features; weights: one a step.

    Example:
        >>> x = torch.tensor([[[0.0, 2.0], [0.0, 0.0], [9.0, 9.0]]])
        >>> pooled, weights = MaxAttentionPooler()(x, lengths=[2], return_weights=True)
        >>> pooled, weights.squeeze(2)
        (tensor([[0.0000, 1.7616]]), tensor([[0.8808, 0.1192, 0.0000]]))
    """

    also = ("MaxAtt", "max-attention")

    def one(self, x: Tensor) -> Tensor:
        length = torch.linalg.vector_norm(x, dim=1, keepdim=True)
        direction = torch.where(length == 0, 0, x / torch.where(length == 0, 1, length))
        alpha = (direction @ x.max(0).values).softmax(0)
        return alpha @ x

    def weigh(self, seq: Sequences) -> tuple[Tensor, Tensor]:
        return max_attention(seq)
