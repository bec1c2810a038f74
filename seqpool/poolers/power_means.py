"""Reductions: power means, between the mean and the largest absolute value."""

import math
from typing import final

import torch
from torch import Tensor, nn

from seqpool.layout import Sequences
from seqpool.ops import mean, peak, select, spread
from seqpool.poolers.base import Pooler, check_at_least_one, settle
from seqpool.poolers.statistics import widened


def power_mean(seq: Sequences, power: Tensor | float) -> Tensor:
    """Power mean of the real steps, sign kept, `(B, F)`; see `PowerMeanPooler`."""
    # Where signs cancel, the root of what is left magnifies its rounding.
    rows = select(seq, widened(seq.values))
    # As a tensor, since a graph that compares a number with 1 serves that number alone.
    power = rows.new_ones(()) * power
    # A power mean scales with its steps, so this scale keeps powers in range and needs no gradient.
    scale = peak(seq, rows.detach().abs())
    scale = torch.where((scale > 0) & (scale < math.inf), scale, 1)
    averaged = mean(seq, _signed_power(rows / spread(seq, scale), power))
    return settle(seq, scale * _signed_power(averaged, 1 / power))


def _signed_power(x: Tensor, power: Tensor) -> Tensor:
    """:math:`sign(x) |x|^p`, with gradient 0 at 0 unless p is 1."""
    zero = x == 0
    powered = x.sign() * torch.where(zero, 1, x.abs()) ** power
    return torch.where(zero & (power == 1), x, powered)


def _one_power_mean(x: Tensor, power: Tensor | float) -> Tensor:
    wide = x.double()
    mean = (wide.sign() * torch.where(wide == 0, 1, wide.abs()) ** power).mean(0)
    return (mean.sign() * torch.where(mean == 0, 1, mean.abs()) ** (1 / power)).to(x.dtype)


def _positive(power: float) -> float:
    if not 0 < power < math.inf:
        raise ValueError(f"power must be positive and finite, {power} came: infinity is MaskedMaxPooler of abs()")
    return float(power)


@final
class PowerMeanPooler(Pooler):
    r"""Take the power mean of each feature with one power for all; negative values keep their sign.

    .. math:: y = s(\frac{1}{n} \sum_{t=1}^{n} s(x_t, p), \frac{1}{p}), \quad s(x, p) = sign(x) |x|^p

    A power of 1 gives the mean, 2 without signs the root mean square, a large one nearly the largest absolute value.
    The steps are never clamped; where the power mean is 0, so is the gradient.

    Source: Rücklé et al. 2018, "Concatenated Power Mean Word Embeddings as Universal Cross-Lingual Sentence
    Representations" (https://arxiv.org/abs/1803.01400), for values that are not negative. Unlike the released
    code, which takes the real part of complex powers, this keeps the sign of negative values.

    Args:
        power: p, positive.
        learnable: whether p is a parameter.

    Shape:
        n steps of D features -> D features.

    Raises:
        ValueError: `power` is not positive or not finite.

    Example:
        >>> x = torch.tensor([[[3.0], [4.0], [5.0], [9.0]]])
        >>> (PowerMeanPooler(power=3)(x, lengths=[3]) ** 3).round()
        tensor([[72.]])
    """

    samples = ({}, {"power": 2.5, "learnable": True})
    also = ("generalized mean", "p-mean", "power-average pooling", "powermean aggregation")

    def __init__(self, *, power: float = 3.0, learnable: bool = False) -> None:
        super().__init__()
        self.initial, self.learnable = _positive(power), learnable
        self.power = nn.Parameter(torch.tensor([self.initial])) if learnable else self.initial

    def one(self, x: Tensor) -> Tensor:
        return _one_power_mean(x, self.power)

    def pool(self, seq: Sequences) -> Tensor:
        return power_mean(seq, self.power)

    def extra_repr(self) -> str:
        return f"power={self.initial}, learnable={self.learnable}"


@final
class GeMPooler(Pooler):
    r"""Take the power mean of each feature with a learned power of its own.

    .. math:: y_d = s(\frac{1}{n} \sum_{t=1}^{n} s(x_{t,d}, p_d), \frac{1}{p_d}), \quad s(x, p) = sign(x) |x|^p

    Unlike the released code, nothing is clamped to a small positive number: a feature that is 0 throughout, normal
    after a ReLU, gives 0 and gradient 0. The paper's one power for all features, p without an index, is
    `PowerMeanPooler(learnable=True)`.

    Source: Radenović et al. 2018, "Fine-tuning CNN Image Retrieval with No Human Annotation"
    (https://arxiv.org/abs/1711.02512); signs are this library's, the paper's features are not negative.

    Args:
        in_features: D, the width of a step.
        power: what every p starts at, positive.

    Shape:
        n steps of D features -> D features.

    Raises:
        ValueError: `in_features` is below 1, or `power` is not positive or not finite.

    Example:
        >>> x = torch.tensor([[[3.0, 0.0], [4.0, 0.0], [5.0, 0.0], [9.0, 9.0]]])
        >>> (GeMPooler(2)(x, lengths=[3]) ** 3).detach().round()
        tensor([[72.,  0.]])
    """

    samples = ({}, {"power": 1.5})
    also = ("GeM", "GeMmp", "generalized mean pooling")

    def __init__(self, in_features: int, *, power: float = 3.0) -> None:
        super().__init__()
        check_at_least_one("in_features", in_features, "the width of output")
        self.initial = _positive(power)
        self.power = nn.Parameter(torch.full((in_features,), self.initial))

    def one(self, x: Tensor) -> Tensor:
        return _one_power_mean(x, self.power)

    def pool(self, seq: Sequences) -> Tensor:
        return power_mean(seq, self.power)

    def extra_repr(self) -> str:
        return f"in_features={self.power.shape[0]}, power={self.initial}"
