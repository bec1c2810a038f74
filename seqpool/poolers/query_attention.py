"""Attention: a query that the caller gives."""

from typing import final

from torch import Tensor, nn

from seqpool.layout import Sequences
from seqpool.ops import spread
from seqpool.poolers.attention import weigh_by
from seqpool.poolers.base import AttentionBase, check_at_least_one


@final
class QueryAttentionPooler(AttentionBase):
    r"""Average the steps with softmax weights from their match with a query that the caller gives for each sequence.

    .. math:: y = \sum_t \alpha_t x_t, \quad \alpha = softmax_t\left(\frac{(W_Q q)^\top W_K x_t}{\sqrt D}\right)

    Source: the scaled dot-product attention of Vaswani et al. 2017, "Attention Is All You Need"
    (https://arxiv.org/abs/1706.03762), of one query and one head, with the steps themselves as values.

    Args:
        in_features: D, the width of a step.
        query_features: Q, the width of a query; `in_features` where it is `None`.

    Shape:
        n steps of D features, query: one of Q features a sequence -> D features; weights: one a step.

    Raises:
        ValueError: a size is below 1; no `query` came, or it has another width.

    Example:
        >>> pooler = QueryAttentionPooler(4, query_features=3)
        >>> pooler(torch.randn(2, 5, 4), lengths=[5, 2], query=torch.randn(2, 3)).shape
        torch.Size([2, 4])
    """

    needs = ("query",)
    also = ("cross-attention pooling", "query-based attention")

    def __init__(self, in_features: int, *, query_features: int | None = None) -> None:
        super().__init__()
        query_features = in_features if query_features is None else query_features
        check_at_least_one("in_features", in_features, "the width of output")
        check_at_least_one("query_features", query_features, "leave it out for in_features")
        self.query = nn.Linear(query_features, in_features, bias=False)
        self.key = nn.Linear(in_features, in_features, bias=False)

    def one(self, x: Tensor, query: Tensor) -> Tensor:
        alpha = (self.key(x) @ self.query(query) / x.shape[1] ** 0.5).softmax(0)
        pooled: Tensor = alpha @ x
        return pooled

    def weigh(self, seq: Sequences) -> tuple[Tensor, Tensor]:
        given = seq.need("query", "QueryAttentionPooler")
        if given.shape[1] != self.query.in_features:
            raise ValueError(
                f"query must be {self.query.in_features} wide, {given.shape[1]} came: set query_features to its width"
            )
        query = self.query(given)
        return weigh_by(
            seq, lambda rows, flat: (spread(flat, query) * self.key(rows)).sum(-1, keepdim=True) / seq.features**0.5
        )
