"""Statistics: variance, standard deviation, and mean and deviation side by side."""

from typing import final

import torch
from torch import Tensor

from seqpool.layout import Sequences
from seqpool.ops import variation
from seqpool.poolers.base import Pooler, settle


def variance(seq: Sequences, correction: int = 0) -> Tensor:
    """Variance of the real steps, `(B, F)`; see `VariancePooler`."""
    return settle(seq, _mean_and_variance(seq, correction)[1])


def std(seq: Sequences, correction: int = 0) -> Tensor:
    """Standard deviation of the real steps, `(B, F)`; see `StdPooler`."""
    return settle(seq, root(_mean_and_variance(seq, correction)[1]))


def statistics(seq: Sequences, correction: int = 0) -> Tensor:
    """Mean and standard deviation of the real steps side by side, `(B, 2F)`; see `StatisticsPooler`."""
    mean, squared = _mean_and_variance(seq, correction)
    return settle(seq, torch.cat([mean, root(squared)], dim=1))


def root(squared: Tensor) -> Tensor:
    """Square root with gradient 0, rather than infinity, at 0."""
    return torch.where(squared == 0, 0, torch.where(squared == 0, 1, squared).sqrt())


def widened(rows: Tensor) -> Tensor:
    """Rows in double precision, for results that magnify rounding without bound; MPS has single precision alone."""
    return rows.float() if rows.device.type == "mps" else rows.double()


def _mean_and_variance(seq: Sequences, correction: int) -> tuple[Tensor, Tensor]:
    mean, squares = variation(seq, seq.values)
    freedom = (seq.count - correction).unsqueeze(1)
    return mean, torch.where(freedom > 0, squares / freedom.clamp(min=1), 0)


def _one_std(x: Tensor, correction: int) -> Tensor:
    return root(x.var(0, correction=correction)) if x.shape[0] > correction else torch.zeros_like(x[0])


def _not_negative(correction: int) -> int:
    if correction < 0:
        raise ValueError(f"correction must be at least 0, {correction} came: 0 divides by n, 1 by n - 1")
    return correction


@final
class VariancePooler(Pooler):
    r"""Take the variance of each feature, in two passes, so that a large mean costs no digits.

    .. math:: y = \frac{1}{n - c} \sum_{t=1}^{n} (x_t - \bar{x})^2

    Where :math:`n \le c` the result is 0.

    Source: `torch.var` of each feature (https://docs.pytorch.org/docs/stable/generated/torch.var.html).

    Args:
        correction: c, 0 for the variance of these steps, 1 for an unbiased estimate from them.

    Shape:
        n steps of D features -> D features.

    Raises:
        ValueError: `correction` is negative.

    Example:
        >>> x = torch.tensor([[[1.0], [3.0], [9.0]]])
        >>> VariancePooler()(x, lengths=[2])
        tensor([[1.]])
    """

    samples = ({}, {"correction": 1})
    also = ("variance pooling", "variance aggregation")

    def __init__(self, *, correction: int = 0) -> None:
        super().__init__()
        self.correction = _not_negative(correction)

    def one(self, x: Tensor) -> Tensor:
        squares = (x - x.mean(0)).square().sum(0)
        return squares / (x.shape[0] - self.correction) if x.shape[0] > self.correction else torch.zeros_like(squares)

    def pool(self, seq: Sequences) -> Tensor:
        return variance(seq, self.correction)

    def extra_repr(self) -> str:
        return f"correction={self.correction}"


@final
class StdPooler(Pooler):
    r"""Take the standard deviation of each feature.

    .. math:: y = \sqrt{\frac{1}{n - c} \sum_{t=1}^{n} (x_t - \bar{x})^2}

    Where :math:`n \le c` the result is 0; where the variance is 0, so is the gradient.

    Source: Corso et al. 2020, "Principal Neighbourhood Aggregation for Graph Nets"
    (https://arxiv.org/abs/2004.05718), without the small number that it adds under the root; values as `torch.std`.

    Args:
        correction: c, 0 for the deviation of these steps, 1 for the root of an unbiased estimate.

    Shape:
        n steps of D features -> D features.

    Raises:
        ValueError: `correction` is negative.

    Example:
        >>> x = torch.tensor([[[1.0], [5.0], [9.0]]])
        >>> StdPooler()(x, lengths=[2])
        tensor([[2.]])
    """

    samples = ({}, {"correction": 1})
    also = ("TSDP", "temporal standard deviation pooling", "standard deviation pooling")

    def __init__(self, *, correction: int = 0) -> None:
        super().__init__()
        self.correction = _not_negative(correction)

    def one(self, x: Tensor) -> Tensor:
        return _one_std(x, self.correction)

    def pool(self, seq: Sequences) -> Tensor:
        return std(seq, self.correction)

    def extra_repr(self) -> str:
        return f"correction={self.correction}"


@final
class StatisticsPooler(Pooler):
    r"""Concatenate the mean and the standard deviation of each feature.

    .. math:: y = [\bar{x}; \sqrt{\frac{1}{n - c} \sum_{t=1}^{n} (x_t - \bar{x})^2}]

    Where :math:`n \le c` the deviation is 0; where the variance is 0, so is the deviation's gradient.

    Source: statistics pooling, the x-vector's, as Okabe et al. 2018 write it, "Attentive Statistics Pooling for Deep
    Speaker Embedding" (https://arxiv.org/abs/1803.10963).

    Args:
        correction: c, 0 for the deviation of these steps, 1 for the root of an unbiased estimate.

    Shape:
        n steps of D features -> 2D features, the means first.

    Raises:
        ValueError: `correction` is negative.

    Example:
        >>> x = torch.tensor([[[1.0], [5.0], [9.0]]])
        >>> StatisticsPooler()(x, lengths=[2])
        tensor([[3., 2.]])
    """

    samples = ({}, {"correction": 1})
    also = ("x-vector", "x-vector pooling", "statistics pooling", "StatsPool", "TSTP", "temporal statistics pooling")

    def __init__(self, *, correction: int = 0) -> None:
        super().__init__()
        self.correction = _not_negative(correction)

    def one(self, x: Tensor) -> Tensor:
        return torch.cat([x.mean(0), _one_std(x, self.correction)])

    def pool(self, seq: Sequences) -> Tensor:
        return statistics(seq, self.correction)

    def out_features(self, in_features: int) -> int:
        return 2 * in_features

    def extra_repr(self) -> str:
        return f"correction={self.correction}"
