"""Attention: a score of its own for each feature."""

from typing import final

from torch import Tensor, nn

from seqpool.layout import Sequences
from seqpool.ops import compact, restore, select, softmax, total
from seqpool.poolers.attention import hidden_width
from seqpool.poolers.base import AttentionBase, settle


@final
class ChannelAttentionPooler(AttentionBase):
    r"""Average the steps feature by feature, each with softmax weights of its own.

    .. math:: y = \sum_t \alpha_t \odot x_t, \quad \alpha = softmax_t(W_2 \, ReLU(W_1 x_t + b_1))

    Source: the vector-based attention of Chen et al. 2018, "Enhancing Sentence Embedding with Generalized Pooling"
    (https://arxiv.org/abs/1806.09828), in one head: `ConcatPooler` of several is its multi-head form. Unlike the paper,
    it has no second bias, which would move all scores of a feature alike, so that softmax does not see it; the released
    code's hidden layer is half as wide as a step.

    Args:
        in_features: D, the width of a step.
        hidden_features: width of the hidden layer; `in_features` where it is `None`.

    Shape:
        n steps of D features -> D features; weights: D a step.

    Raises:
        ValueError: a size is below 1.

    Example:
        >>> pooler = ChannelAttentionPooler(4)
        >>> pooled, weights = pooler(torch.randn(2, 3, 4), lengths=[3, 1], return_weights=True)
        >>> pooled.shape, weights.shape
        (torch.Size([2, 4]), torch.Size([2, 3, 4]))
    """

    samples = ({}, {"hidden_features": 3})
    also = ("generalized pooling", "vector-based attention", "feature-wise attention", "multi-dimensional attention")

    def __init__(self, in_features: int, *, hidden_features: int | None = None) -> None:
        super().__init__()
        hidden_features = hidden_width(in_features, hidden_features)
        self.scores = nn.Sequential(
            nn.Linear(in_features, hidden_features), nn.ReLU(), nn.Linear(hidden_features, in_features, bias=False)
        )

    def one(self, x: Tensor) -> Tensor:
        alpha: Tensor = self.scores(x).softmax(0)
        return (alpha * x).sum(0)

    def weigh(self, seq: Sequences) -> tuple[Tensor, Tensor]:
        flat = compact(seq)
        rows = select(flat, flat.values)
        weights = softmax(flat, self.scores(rows))
        return settle(seq, total(flat, weights * rows)), restore(seq, flat, weights).to(seq.values.dtype)
