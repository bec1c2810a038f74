"""Attention: mean and standard deviation under attention weights."""

from typing import final

import torch
from torch import Tensor, nn

from seqpool.layout import Sequences
from seqpool.ops import compact, restore, select, softmax
from seqpool.poolers.attention import hidden_width
from seqpool.poolers.base import AttentionBase, settle
from seqpool.poolers.statistics import root
from seqpool.poolers.weighted import mean_and_variance


@final
class AttentiveStatisticsPooler(AttentionBase):
    r"""Concatenate mean and standard deviation of the steps under softmax weights from a score with one hidden layer.

    A feature that does not vary has a standard deviation of 0, with gradient 0. Unlike the paper's, the score has no
    bias, which softmax does not see.

    .. math::
        y = [\mu; \sigma], \quad \mu = \sum_t \alpha_t x_t, \quad
        \sigma^2 = \sum_t \alpha_t x_t \odot x_t - \mu \odot \mu, \quad
        \alpha = softmax_t(v^\top \tanh(W x_t + b))

    Source: Okabe et al. 2018, "Attentive Statistics Pooling for Deep Speaker Embedding"
    (https://arxiv.org/abs/1803.10963), which leaves the activation open, tanh or ReLU. Computed in the equal form
    without cancellation, :math:`\sum_t \alpha_t (x_t - \mu)^2`.

    Args:
        in_features: D, the width of a step.
        hidden_features: width of the hidden layer; `in_features` where it is `None`.

    Shape:
        n steps of D features -> 2D features; weights: one a step.

    Raises:
        ValueError: a size is below 1.

    Example:
        >>> pooled, weights = AttentiveStatisticsPooler(4)(torch.randn(2, 3, 4), lengths=[3, 1], return_weights=True)
        >>> pooled.shape, weights.shape, pooled[1, 4:].tolist()
        (torch.Size([2, 8]), torch.Size([2, 3, 1]), [0.0, 0.0, 0.0, 0.0])
    """

    samples = ({}, {"hidden_features": 3})
    also = ("ASP", "attentive statistics pooling")

    def __init__(self, in_features: int, *, hidden_features: int | None = None) -> None:
        super().__init__()
        hidden_features = hidden_width(in_features, hidden_features)
        self.scores = nn.Sequential(
            nn.Linear(in_features, hidden_features), nn.Tanh(), nn.Linear(hidden_features, 1, bias=False)
        )

    def one(self, x: Tensor) -> Tensor:
        alpha = self.scores(x).softmax(0).squeeze(1)
        # From the first step, or rounding would give a feature that does not vary a tiny variance.
        around = x - x[0]
        return torch.cat([alpha @ x, root(alpha @ (around - alpha @ around).square())])

    def weigh(self, seq: Sequences) -> tuple[Tensor, Tensor]:
        flat = compact(seq)
        rows = select(flat, flat.values)
        weights = softmax(flat, self.scores(rows))
        mean, variance = mean_and_variance(flat, weights, rows)
        return settle(seq, torch.cat([mean, root(variance)], dim=1)), restore(seq, flat, weights).to(seq.values.dtype)

    def out_features(self, in_features: int) -> int:
        return 2 * in_features
