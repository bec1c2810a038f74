"""Attention: a score that passes a learned gate."""

from typing import final

from torch import Tensor, nn

from seqpool.layout import Sequences
from seqpool.poolers.attention import hidden_width, weigh_by
from seqpool.poolers.base import AttentionBase


@final
class _GatedScore(nn.Module):
    """One score a step, from a hidden layer and its gate."""

    def __init__(self, in_features: int, hidden_features: int) -> None:
        super().__init__()
        self.content = nn.Linear(in_features, hidden_features)
        self.gate = nn.Linear(in_features, hidden_features)
        self.merge = nn.Linear(hidden_features, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        score: Tensor = self.merge(self.content(x).tanh() * self.gate(x).sigmoid())
        return score


@final
class GatedAttentionPooler(AttentionBase):
    r"""Average the steps with softmax weights from a score with a gated hidden layer.

    .. math:: y = \sum_t \alpha_t x_t, \quad \alpha = softmax_t(w^\top (\tanh(V x_t + b) \odot \sigma(U x_t + c)))

    Source: Ilse et al. 2018, "Attention-based Deep Multiple Instance Learning" (https://arxiv.org/abs/1802.04712), with
    a hidden layer of 128. Unlike the paper's formula, and like its released code, this has the biases b and c.

    Args:
        in_features: D, the width of a step.
        hidden_features: width of the hidden layer; `in_features` where it is `None`.

    Shape:
        n steps of D features -> D features; weights: one a step.

    Raises:
        ValueError: a size is below 1.

    Example:
        >>> GatedAttentionPooler(4, hidden_features=2)(torch.randn(2, 3, 4), lengths=[3, 1]).shape
        torch.Size([2, 4])
    """

    samples = ({}, {"hidden_features": 3})
    also = ("ABMIL", "AttentionDeepMIL", "gated attention MIL")

    def __init__(self, in_features: int, *, hidden_features: int | None = None) -> None:
        super().__init__()
        self.score = _GatedScore(in_features, hidden_width(in_features, hidden_features))

    def one(self, x: Tensor) -> Tensor:
        alpha: Tensor = self.score(x).softmax(0)
        return alpha.squeeze(1) @ x

    def weigh(self, seq: Sequences) -> tuple[Tensor, Tensor]:
        return weigh_by(seq, lambda rows, _: self.score(rows))
