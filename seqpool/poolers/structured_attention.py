"""Attention: several hops, and the penalty that keeps them apart."""

from typing import final

import torch
from torch import Tensor, nn

from seqpool.layout import Integers, Output, Sequences, view
from seqpool.ops import accumulator, total
from seqpool.poolers.attention import hidden_width, weigh_by
from seqpool.poolers.base import AttentionBase, check_at_least_one


def attention_penalty(weights: Output, *, offsets: Integers | None = None, batch_first: bool = True) -> Tensor:
    r"""Say how much the hops of an attention look at the same steps, `(B,)`; 0 for an empty sequence.

    Weights are exactly 0 on padding, so where the padding lies need not be said. Add the mean of the result, times a
    coefficient, to the loss.

    .. math:: P = \| A^\top A - I \|_F^2, \quad A \in R^{n \times H}

    Source: Lin et al. 2017, "A Structured Self-attentive Sentence Embedding" (https://arxiv.org/abs/1703.03130), with
    a row of A, not a column, for each hop.

    Also: penalization term.

    Args:
        weights: what a pooler returned beside its result, in the layout that it came in.
        offsets: where each sequence starts in flat weights, and the end, as given to the pooler.
        batch_first: whether padded weights are `(B, T, H)` rather than `(T, B, H)`, as given to the pooler.

    Shape:
        n steps of H hops -> one number a sequence.

    Raises:
        TypeError: `weights` is no batch of sequences.
        ValueError: `offsets` do not fit `weights`.

    Example:
        >>> weights = torch.tensor([[[1.0, 0.0], [0.0, 1.0]], [[1.0, 1.0], [0.0, 0.0]]])
        >>> attention_penalty(weights)
        tensor([0., 2.])
    """
    seq = view(weights, offsets=offsets, batch_first=batch_first)
    rows = seq.values.to(accumulator(seq.values.dtype))
    pairs = total(seq, (rows.unsqueeze(-1) * rows.unsqueeze(-2)).flatten(-2))
    apart = torch.eye(seq.features, dtype=pairs.dtype, device=pairs.device).flatten()
    # Only an empty sequence has no weight at all; nothing there could be kept apart.
    empty = (pairs == 0).all(1)
    return torch.where(empty, 0, (pairs - apart).square().sum(1)).to(seq.values.dtype)


@final
class StructuredAttentionPooler(AttentionBase):
    r"""Average the steps several times over, each time with softmax weights of its own.

    `attention_penalty` of the weights keeps the hops from looking at the same steps.

    .. math::
        y = [\textstyle\sum_t A_{t,1} x_t; \dots; \sum_t A_{t,H} x_t], \quad
        A_t = softmax_t(W_2 \tanh(W_1 x_t))

    Source: Lin et al. 2017, "A Structured Self-attentive Sentence Embedding" (https://arxiv.org/abs/1703.03130), who
    use 30 hops and a hidden layer of 350.

    Args:
        in_features: D, the width of a step.
        hops: H, averages taken.
        hidden_features: width of the hidden layer; `in_features` where it is `None`.

    Shape:
        n steps of D features -> H * D features, hop by hop; weights: one a step for each hop.

    Raises:
        ValueError: a size is below 1.

    Example:
        >>> pooler = StructuredAttentionPooler(4, hops=3)
        >>> pooled, weights = pooler(torch.randn(2, 5, 4), lengths=[5, 2], return_weights=True)
        >>> pooled.shape, weights.shape, attention_penalty(weights).shape
        (torch.Size([2, 12]), torch.Size([2, 5, 3]), torch.Size([2]))
    """

    samples = ({"hops": 3}, {"hops": 1, "hidden_features": 5})
    also = ("self-attentive", "self-attentive sentence embedding", "multi-hop attention")

    def __init__(self, in_features: int, *, hops: int = 4, hidden_features: int | None = None) -> None:
        super().__init__()
        hidden_features = hidden_width(in_features, hidden_features)
        check_at_least_one("hops", hops, "leave it out for 4")
        self.scores = nn.Sequential(
            nn.Linear(in_features, hidden_features, bias=False), nn.Tanh(), nn.Linear(hidden_features, hops, bias=False)
        )
        self.hops = hops

    def one(self, x: Tensor) -> Tensor:
        alpha: Tensor = self.scores(x).softmax(0)
        return (alpha.T @ x).flatten()

    def weigh(self, seq: Sequences) -> tuple[Tensor, Tensor]:
        return weigh_by(seq, lambda rows, _: self.scores(rows))

    def out_features(self, in_features: int) -> int:
        return self.hops * in_features
