"""Attention: a query that is the mean of the steps, averaging by a power mean."""

from typing import final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqpool.layout import Sequences
from seqpool.ops import accumulator, attend, compact, mean, peak, restore, select, spread
from seqpool.poolers.base import AttentionBase, check_at_least_one, settle

_EPS = 1e-6


@final
class SimPooler(AttentionBase):
    r"""Let the mean attend to the normalised steps, and take their power mean above the smallest value.

    Keys and values are normalised, the query is the mean of the steps as they came. Unlike the released code, which
    takes the smallest value of the whole batch, this takes that of the sequence, as the paper does.

    .. math::
        y = \left(\sum_t \alpha_t v_t^\gamma\right)^{1 / \gamma}, \quad
        \alpha = softmax_t\left(\frac{(W_Q \bar x)^\top W_K z_t}{\sqrt D}\right), \quad
        v_t = z_t - \min_{s,d} z_{s,d} + \epsilon, \quad z_t = LayerNorm(x_t)

    Source: Psomas et al. 2023, "Keep It SimPool: Who Said Supervised Transformers Suffer from Attention Deficit?"
    (https://arxiv.org/abs/2309.06891), in one head; layer norm and :math:`\epsilon = 10^{-6}` as in its released code.

    Args:
        in_features: D, the width of a step.
        gamma: exponent of the power mean; the released transformers take 1.25, the convolutional networks 2.

    Shape:
        n steps of D features -> D features; weights: one a step.

    Raises:
        ValueError: `in_features` is below 1, or `gamma` is not above 0.

    Example:
        >>> pooler = SimPooler(4)
        >>> pooled, weights = pooler(torch.randn(2, 3, 4), lengths=[3, 1], return_weights=True)
        >>> pooled.shape, weights[1].flatten().tolist()
        (torch.Size([2, 4]), [1.0, 0.0, 0.0])
    """

    samples = ({}, {"gamma": 2.0})
    also = ("SimPool",)

    def __init__(self, in_features: int, *, gamma: float = 1.25) -> None:
        super().__init__()
        check_at_least_one("in_features", in_features, "the width of output")
        if not gamma > 0:
            raise ValueError(f"gamma must be above 0, {gamma} came: leave it out for 1.25")
        self.norm = nn.LayerNorm(in_features, eps=_EPS)
        self.query = nn.Linear(in_features, in_features, bias=False)
        self.key = nn.Linear(in_features, in_features, bias=False)
        self.gamma = gamma

    def one(self, x: Tensor) -> Tensor:
        z = self.norm(x)
        alpha = (self.key(z) @ self.query(x.mean(0)) / x.shape[1] ** 0.5).softmax(0)
        mean: Tensor = alpha @ (z - z.min(0).values.min(0).values + _EPS) ** self.gamma
        return mean ** (1 / self.gamma)

    def weigh(self, seq: Sequences) -> tuple[Tensor, Tensor]:
        flat = compact(seq)
        pooled, weights = self._weigh(flat)
        return pooled, restore(seq, flat, weights)

    def _weigh(self, seq: Sequences) -> tuple[Tensor, Tensor]:
        rows = select(seq, seq.values)
        # `self.norm(rows)`, but with a number: one that a module or a name holds makes Dynamo compile twice.
        z = F.layer_norm(rows, self.norm.normalized_shape, self.norm.weight, self.norm.bias, 1e-6)
        centre = mean(seq, rows)
        query = spread(seq, self.query(centre.to(rows.dtype)))
        scores = (query * self.key(z)).sum(-1, keepdim=True) / seq.features**0.5
        z = z.to(accumulator(z.dtype))
        least = peak(seq, z, largest=False).min(1, keepdim=True).values
        # Padding may lie below the smallest real value, where a logarithm is NaN.
        above = (z - spread(seq, least)).clamp(min=0) + _EPS
        # A power through its logarithm: a compiled `**` would be built anew for each exponent.
        pooled, weights = attend(seq, scores, (self.gamma * above.log()).exp())
        some = (seq.count > 0).unsqueeze(1)
        pooled = torch.where(some, (torch.where(some, pooled.flatten(1), 1).log() / self.gamma).exp(), 0)
        return settle(seq, pooled), weights.to(seq.values.dtype)

    def extra_repr(self) -> str:
        return f"gamma={self.gamma}"
