"""Reductions: smooth forms of the maximum, between the mean and the largest value."""

import math
from typing import final

import torch
from torch import Tensor, nn

from seqpool.layout import Sequences
from seqpool.ops import accumulator, log_mean_exp, select, soft_peak
from seqpool.poolers.base import Pooler, settle


def log_sum_exp(seq: Sequences, sharpness: Tensor | float | None = None) -> Tensor:
    """Logarithm of the mean exponential of the real steps, `(B, F)`, at sharpness 1 for None; see `LogSumExpPooler`."""
    if sharpness is None:
        return settle(seq, log_mean_exp(seq, seq.values))
    scaled = sharpness * select(seq, seq.values).to(accumulator(seq.values.dtype))
    return settle(seq, log_mean_exp(seq, scaled) / sharpness)


def softmax_mean(seq: Sequences, temperature: Tensor | float = 1.0) -> Tensor:
    """Average of the real steps, weighted by the softmax of each feature, `(B, F)`; see `SoftmaxPooler`."""
    return settle(seq, soft_peak(seq, seq.values, temperature))


@final
class LogSumExpPooler(Pooler):
    r"""Take a smooth maximum of each feature: the logarithm of the mean exponential.

    .. math:: y = \frac{1}{r} \log \frac{1}{n} \sum_{t=1}^{n} e^{r x_t}

    A large sharpness r comes near the maximum, one near 0 near the mean, a negative one is a smooth minimum.

    Source: Pinheiro and Collobert 2015, "From Image-level to Pixel-level Labeling with Convolutional Networks"
    (https://arxiv.org/abs/1411.6228).

    Args:
        sharpness: r, not 0.
        learnable: whether r is a parameter.

    Shape:
        n steps of D features -> D features.

    Raises:
        ValueError: `sharpness` is 0 or not finite.

    Example:
        >>> x = torch.tensor([[[1.0], [3.0], [9.0]]]).log()
        >>> LogSumExpPooler()(x, lengths=[2]).exp().round(decimals=4)
        tensor([[2.]])
    """

    samples = ({}, {"sharpness": 5.0, "learnable": True}, {"sharpness": -2.0})
    also = ("LSE", "log-sum-exp pooling", "LogAvgExp", "smooth maximum")

    def __init__(self, *, sharpness: float = 1.0, learnable: bool = False) -> None:
        super().__init__()
        if sharpness == 0 or not math.isfinite(sharpness):
            raise ValueError(
                f"sharpness must be finite and not 0, {sharpness} came: the limit at 0 is MaskedMeanPooler"
            )
        self.initial, self.learnable = float(sharpness), learnable
        # None at 1 spares the scaling; a comparison in the forward pass would be a guard, and a second graph.
        fixed = None if sharpness == 1 else self.initial
        self.sharpness = nn.Parameter(torch.tensor([self.initial])) if learnable else fixed

    def one(self, x: Tensor) -> Tensor:
        sharpness = self.initial if self.sharpness is None else self.sharpness
        return (torch.logsumexp(sharpness * x, 0) - math.log(x.shape[0])) / sharpness

    def pool(self, seq: Sequences) -> Tensor:
        return log_sum_exp(seq, self.sharpness)

    def extra_repr(self) -> str:
        return f"sharpness={self.initial}, learnable={self.learnable}"


@final
class SoftmaxPooler(Pooler):
    r"""Average each feature with the softmax of its own values as weights.

    .. math:: y_d = \sum_t \alpha_{t,d} x_{t,d}, \quad \alpha_{\cdot,d} = softmax_t(x_{t,d} / \tau)

    A temperature near 0 comes near the maximum, a large one near the mean.

    Source: the SoftMax aggregation of Li et al. 2020, "DeeperGCN: All You Need to Train Deeper GCNs"
    (https://arxiv.org/abs/2006.07739), whose :math:`\beta` is the inverse temperature :math:`1 / \tau`.

    Args:
        temperature: :math:`\tau`, positive.
        learnable: whether it is a parameter.

    Shape:
        n steps of D features -> D features.

    Raises:
        ValueError: `temperature` is not positive or not finite.

    Example:
        >>> x = torch.tensor([[[1.0], [3.0], [9.0]]]).log()
        >>> SoftmaxPooler()(x, lengths=[2]) / torch.tensor(3.0).log()
        tensor([[0.7500]])
    """

    samples = ({}, {"temperature": 2.0, "learnable": True})
    also = ("softmax aggregation", "SoftMax_Agg", "soft maximum")

    def __init__(self, *, temperature: float = 1.0, learnable: bool = False) -> None:
        super().__init__()
        if not 0 < temperature < math.inf:
            raise ValueError(
                f"temperature must be positive and finite, {temperature} came: the limits are MaskedMaxPooler at 0 "
                "and MaskedMeanPooler at infinity"
            )
        self.initial, self.learnable = float(temperature), learnable
        self.temperature = nn.Parameter(torch.tensor([self.initial])) if learnable else self.initial

    def one(self, x: Tensor) -> Tensor:
        return ((x / self.temperature).softmax(0) * x).sum(0)

    def pool(self, seq: Sequences) -> Tensor:
        return softmax_mean(seq, self.temperature)

    def extra_repr(self) -> str:
        return f"temperature={self.initial}, learnable={self.learnable}"
