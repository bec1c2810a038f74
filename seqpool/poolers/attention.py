"""Attention: one learned score a step."""

from collections.abc import Callable
from typing import final

from torch import Tensor, nn

from seqpool.layout import Sequences
from seqpool.ops import attend, attend_by, compact, restore, select, weighed_by
from seqpool.poolers.base import AttentionBase, check_at_least_one, settle


def weigh_by(seq: Sequences, score: Callable[[Tensor, Sequences], Tensor]) -> tuple[Tensor, Tensor]:
    """Average the steps with the softmax of `score`, a map from `(*, D)` to `(*, H)`: `(B, H*D)` and the weights.

    It is given the rows of these sequences without their padding, and the sequences that those rows are of.
    """
    flat = compact(seq)
    rows = select(flat, flat.values)
    pooled, weights = attend(flat, score(rows, flat), rows)
    return settle(seq, pooled.flatten(1)), restore(seq, flat, weights).to(seq.values.dtype)


def weigh_by_query(seq: Sequences, query: Tensor) -> tuple[Tensor, Tensor]:
    """Average of the steps by their products with a query, `(H, D)` or `(B, H, D)`, as `attend_by`; and the weights."""
    pooled, weights = weighed_by(seq, seq.values, query)
    return settle(seq, pooled.flatten(1)), weights.to(seq.values.dtype)


def hidden_width(in_features: int, hidden_features: int | None) -> int:
    """Width of a score's hidden layer, `in_features` where it is not given, after checking both."""
    hidden_features = in_features if hidden_features is None else hidden_features
    check_at_least_one("in_features", in_features, "the width of output")
    check_at_least_one("hidden_features", hidden_features, "leave it out for in_features")
    return hidden_features


@final
class AttentionPooler(AttentionBase):
    r"""Average the steps with softmax weights from a linear score.

    .. math:: y = \sum_t \alpha_t x_t, \quad \alpha = softmax_t(w^\top x_t)

    Source: the attention of Lin et al. 2017 without its hidden layer, "A Structured Self-attentive Sentence Embedding"
    (https://arxiv.org/abs/1703.03130); SeqPool of Hassani et al. 2021, "Escaping the Big Data Paradigm with Compact
    Transformers" (https://arxiv.org/abs/2104.05704), without its bias, which softmax does not see.

    Args:
        in_features: D, the width of a step.

    Shape:
        n steps of D features -> D features; weights: one a step.

    Raises:
        ValueError: `in_features` is below 1.

    Example:
        >>> pooler = AttentionPooler(4)
        >>> pooled, weights = pooler(torch.randn(2, 3, 4), lengths=[3, 1], return_weights=True)
        >>> pooled.shape, weights.shape, weights[1].flatten().tolist()
        (torch.Size([2, 4]), torch.Size([2, 3, 1]), [1.0, 0.0, 0.0])
    """

    also = ("attention pooling", "SeqPool", "CCT", "sequence pooling", "self-attention pooling")

    def __init__(self, in_features: int) -> None:
        super().__init__()
        check_at_least_one("in_features", in_features, "the width of output")
        # A bias would move every score alike, and softmax does not see that.
        self.score = nn.Linear(in_features, 1, bias=False)

    def one(self, x: Tensor) -> Tensor:
        alpha: Tensor = self.score(x).softmax(0)
        return alpha.squeeze(1) @ x

    def pool(self, seq: Sequences) -> Tensor:
        return settle(seq, attend_by(seq, seq.values, self.score.weight).flatten(1))

    def weigh(self, seq: Sequences) -> tuple[Tensor, Tensor]:
        return weigh_by_query(seq, self.score.weight)


@final
class AdditiveAttentionPooler(AttentionBase):
    r"""Average the steps with softmax weights from a score with one hidden layer.

    .. math:: y = \sum_t \alpha_t x_t, \quad \alpha = softmax_t(v^\top \tanh(W x_t + b))

    Source: Yang et al. 2016, "Hierarchical Attention Networks for Document Classification"
    (https://aclanthology.org/N16-1174/).

    Args:
        in_features: D, the width of a step.
        hidden_features: width of the hidden layer; `in_features` where it is `None`.

    Shape:
        n steps of D features -> D features; weights: one a step.

    Raises:
        ValueError: a size is below 1.

    Example:
        >>> AdditiveAttentionPooler(4, hidden_features=2)(torch.randn(2, 3, 4), lengths=[3, 1]).shape
        torch.Size([2, 4])
    """

    also = ("HAN attention", "Bahdanau attention", "SAP", "self-attentive pooling", "ABMIL without the gate")
    samples = ({}, {"hidden_features": 3})

    def __init__(self, in_features: int, *, hidden_features: int | None = None) -> None:
        super().__init__()
        hidden_features = hidden_width(in_features, hidden_features)
        self.score = nn.Sequential(
            nn.Linear(in_features, hidden_features), nn.Tanh(), nn.Linear(hidden_features, 1, bias=False)
        )

    def one(self, x: Tensor) -> Tensor:
        alpha: Tensor = self.score(x).softmax(0)
        return alpha.squeeze(1) @ x

    def weigh(self, seq: Sequences) -> tuple[Tensor, Tensor]:
        return weigh_by(seq, lambda rows, _: self.score(rows))
