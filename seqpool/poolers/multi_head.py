"""Attention: learned queries, each split over several heads."""

import math
from typing import final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqpool.layout import Sequences
from seqpool.ops import compact, restore, select, softmax, total
from seqpool.poolers.base import AttentionBase, check_at_least_one, settle


def multi_head(in_features: int, num_heads: int) -> nn.MultiheadAttention:
    """PyTorch's multi-head attention, after checking that the heads divide the width."""
    check_at_least_one("in_features", in_features, "the width of output")
    check_at_least_one("num_heads", num_heads, "leave it out for 1")
    if in_features % num_heads:
        raise ValueError(
            f"num_heads must divide in_features ({in_features}), {num_heads} came: each head takes an equal part"
        )
    return nn.MultiheadAttention(in_features, num_heads, batch_first=True)


def queries(attention: nn.MultiheadAttention, rows: Tensor) -> Tensor:
    """Rows `(*, D)` as queries `(*, heads, d)`, scaled as the dot product of d numbers needs it."""
    return _project(attention, rows, 0) / math.sqrt(attention.head_dim)


def keys(attention: nn.MultiheadAttention, rows: Tensor) -> Tensor:
    """Rows `(*, D)` as keys `(*, heads, d)`."""
    return _project(attention, rows, 1)


def contents(attention: nn.MultiheadAttention, rows: Tensor) -> Tensor:
    """Rows `(*, D)` as what is averaged, `(*, heads, d)`."""
    return _project(attention, rows, 2)


def _project(attention: nn.MultiheadAttention, rows: Tensor, part: int) -> Tensor:
    weight, bias = attention.in_proj_weight.chunk(3)[part], attention.in_proj_bias.chunk(3)[part]
    return F.linear(rows, weight, bias).reshape(*rows.shape[:-1], attention.num_heads, attention.head_dim)


@final
class MultiHeadAttentionPooler(AttentionBase):
    r"""Let learned queries attend to the steps, each over several heads, and concatenate what they find.

    It is `nn.MultiheadAttention` with learned queries. Unlike the paper's PMA, it has no feed-forward layer before it,
    and no residual connection to the query, feed-forward layer and layer norms behind it: the first acts on each step
    alone, the others on the pooled vectors alone, so add them there. The released code divides all scores by the root
    of D, this by that of D / H.

    .. math::
        y = [o_1; \dots; o_Q], \quad o_q = W^O [a_{q,1}; \dots; a_{q,H}] + b^O, \quad
        a_{q,h} = \sum_t softmax_t\left(\frac{(W^Q_h s_q)^\top W^K_h x_t}{\sqrt{D / H}}\right) W^V_h x_t

    Source: the pooling by multihead attention of Lee et al. 2019, "Set Transformer: A Framework for Attention-based
    Permutation-Invariant Neural Networks" (https://arxiv.org/abs/1810.00825).

    Args:
        in_features: D, the width of a step.
        num_heads: H, heads of each query.
        num_queries: Q, learned queries.

    Shape:
        n steps of D features -> Q * D features; weights: one a step for each head of each query, query by query.

    Raises:
        ValueError: a size is below 1, or `num_heads` does not divide `in_features`.

    Example:
        >>> pooler = MultiHeadAttentionPooler(4, num_heads=2, num_queries=3)
        >>> pooled, weights = pooler(torch.randn(2, 3, 4), lengths=[3, 1], return_weights=True)
        >>> pooled.shape, weights.shape
        (torch.Size([2, 12]), torch.Size([2, 3, 6]))
    """

    samples = ({}, {"num_heads": 2, "num_queries": 3})
    also = ("PMA", "Set Transformer", "MAP head", "learned queries")

    def __init__(self, in_features: int, *, num_heads: int = 1, num_queries: int = 1) -> None:
        super().__init__()
        check_at_least_one("num_queries", num_queries, "leave it out for 1")
        self.attention = multi_head(in_features, num_heads)
        self.queries = nn.Parameter(nn.init.xavier_uniform_(torch.empty(num_queries, in_features)))

    def one(self, x: Tensor) -> Tensor:
        found: Tensor = self.attention(self.queries, x, x)[0]
        return found.flatten()

    def weigh(self, seq: Sequences) -> tuple[Tensor, Tensor]:
        flat = compact(seq)
        rows = select(flat, flat.values)
        content = contents(self.attention, rows)
        scores = torch.einsum("...hd,qhd->...qh", keys(self.attention, rows), queries(self.attention, self.queries))
        weights = softmax(flat, scores.flatten(-2))
        weighted = weights.reshape(*scores.shape, 1) * content.unsqueeze(-3)
        found = total(flat, weighted.flatten(-3)).to(content.dtype)
        pooled = self.attention.out_proj(found.reshape(-1, *self.queries.shape)).flatten(1)
        # The bias of the last map speaks for an empty sequence as well.
        pooled = torch.where((seq.count > 0).unsqueeze(1), pooled, 0)
        return settle(seq, pooled), restore(seq, flat, weights).to(seq.values.dtype)

    def out_features(self, in_features: int) -> int:
        return self.queries.shape[0] * in_features

    def extra_repr(self) -> str:
        return f"num_heads={self.attention.num_heads}, num_queries={self.queries.shape[0]}"
