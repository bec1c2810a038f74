"""Weighted: sums, means and statistics under the caller's own weights, one a step."""

from typing import final

import torch
from torch import Tensor

from seqpool.layout import Sequences
from seqpool.ops import accumulator, gather, select, spread, total, weighted
from seqpool.poolers.base import Pooler, settle
from seqpool.poolers.statistics import root


def weighted_sum(seq: Sequences) -> Tensor:
    """Sum of the steps times the caller's weights, `(B, F)`; see `WeightedSumPooler`."""
    return settle(seq, weighted(seq, _given(seq, "WeightedSumPooler"), seq.values))


def weighted_mean(seq: Sequences) -> Tensor:
    """Average of the steps under the caller's weights, `(B, F)`; see `WeightedMeanPooler`."""
    weights = shares(seq, _given(seq, "WeightedMeanPooler"))
    return settle(seq, weighted(seq, weights, seq.values))


def weighted_statistics(seq: Sequences) -> Tensor:
    """Mean and standard deviation under the caller's weights, `(B, 2F)`; see `WeightedStatisticsPooler`."""
    weights = shares(seq, _given(seq, "WeightedStatisticsPooler"))
    mean, variance = mean_and_variance(seq, weights, select(seq, seq.values))
    # 1 - sum p^2, in the form that is exactly 0 for one step and never negative for non-negative weights.
    freedom = total(seq, weights * (1 - weights))
    variance = torch.where(freedom == 0, 0, variance / torch.where(freedom == 0, 1, freedom))
    return settle(seq, torch.cat([mean, root(variance)], dim=1))


def shares(seq: Sequences, weights: Tensor) -> Tensor:
    """Weights `(*rows, H)`, 0 on padding, scaled to sum to 1 in each sequence; all 0 where they sum to 0."""
    norm = total(seq, weights)
    lost = norm == 0
    return torch.where(spread(seq, lost), 0, weights / spread(seq, torch.where(lost, 1, norm)))


def mean_and_variance(seq: Sequences, weights: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance about it, `(B, F)` each, of rows without padding under weights that sum to 1."""
    rows = rows.to(weights.dtype)
    # From the first step, a large mean costs the variance no digits, and a feature that does not vary has exactly 0.
    first = gather(seq, rows.detach(), torch.zeros_like(seq.lengths))
    around = rows - spread(seq, first)
    centre = weighted(seq, weights, around)
    return weighted(seq, weights, rows), weighted(seq, weights, (around - spread(seq, centre)).square())


def _given(seq: Sequences, who: str) -> Tensor:
    """The caller's weights, `(*rows, 1)`, 0 on padding."""
    weights = seq.need("weights", who).to(accumulator(seq.values.dtype))
    return select(seq, weights.unsqueeze(-1))


@final
class WeightedSumPooler(Pooler):
    r"""Add the steps up, each times a weight that the caller gives.

    .. math:: y = \sum_{t=1}^{n} w_t x_t

    Source: the term weighting of Salton and Buckley 1988, "Term-weighting approaches in automatic text retrieval"
    (https://doi.org/10.1016/0306-4573(88)90021-0); see `smooth_inverse_frequency` for weights from token counts.

    Shape:
        n steps of D features, weights: one a step -> D features.

    Raises:
        ValueError: no `weights` came, or they are not one a step.

    Example:
        >>> x = torch.tensor([[[1.0], [3.0], [9.0]]])
        >>> WeightedSumPooler()(x, lengths=[2], weights=torch.tensor([[1.0, 0.5, 7.0]]))
        tensor([[2.5000]])
    """

    needs = ("weights",)
    piecewise = True
    also = ("tf-idf weighted sum", "per_sample_weights")

    def one(self, x: Tensor, weights: Tensor) -> Tensor:
        return weights @ x

    def pool(self, seq: Sequences) -> Tensor:
        return weighted_sum(seq)


@final
class WeightedMeanPooler(Pooler):
    r"""Average the steps under weights that the caller gives; weights that sum to 0 give zeros.

    .. math:: y = \frac{\sum_t w_t x_t}{\sum_t w_t}

    Source: the tf-idf and frequency weighted averages of word vectors, compared in Arora et al. 2017, "A Simple but
    Tough-to-Beat Baseline for Sentence Embeddings" (https://openreview.net/forum?id=SyK00v5xx).

    Shape:
        n steps of D features, weights: one a step -> D features.

    Raises:
        ValueError: no `weights` came, or they are not one a step.

    Example:
        >>> x = torch.tensor([[[1.0], [3.0], [9.0]]])
        >>> WeightedMeanPooler()(x, lengths=[2], weights=torch.tensor([[3.0, 1.0, 7.0]]))
        tensor([[1.5000]])
    """

    also = ("tf-idf weighted mean", "idf-weighted mean", "SIF embedding")
    needs = ("weights",)
    piecewise = True

    def one(self, x: Tensor, weights: Tensor) -> Tensor:
        norm = weights.sum()
        return weights @ x / norm if norm else torch.zeros_like(x[0])

    def pool(self, seq: Sequences) -> Tensor:
        return weighted_mean(seq)


@final
class WeightedStatisticsPooler(Pooler):
    r"""Concatenate mean and standard deviation of the steps under weights that the caller gives.

    With equal weights the standard deviation is `torch.std` of the steps. It is 0 where a single weight is not 0;
    weights that sum to 0 give zeros throughout.

    .. math::
        y = [\mu; \sigma], \quad \mu = \frac{1}{v_1} \sum_t w_t x_t, \quad
        \sigma^2 = \frac{\sum_t w_t (x_t - \mu)^2}{v_1 - v_2 / v_1}, \quad v_1 = \sum_t w_t, \; v_2 = \sum_t w_t^2

    Source: `StatsPool` of pyannote.audio (https://github.com/pyannote/pyannote-audio), with the unbiased variance
    under reliability weights (https://en.wikipedia.org/wiki/Weighted_arithmetic_mean#Reliability_weights).

    Shape:
        n steps of D features, weights: one a step -> 2D features.

    Raises:
        ValueError: no `weights` came, or they are not one a step.

    Example:
        >>> x = torch.tensor([[[2.0], [4.0], [9.0]]])
        >>> WeightedStatisticsPooler()(x, lengths=[2], weights=torch.tensor([[0.5, 0.01, 7.0]]))
        tensor([[2.0392, 1.4142]])
    """

    also = ("StatsPool", "weighted statistics pooling")
    needs = ("weights",)

    def one(self, x: Tensor, weights: Tensor) -> Tensor:
        v1, v2 = weights.sum(), weights.square().sum()
        if not v1:
            return x.new_zeros(2 * x.shape[1])
        mean = weights @ x / v1
        if weights.count_nonzero() == 1:
            return torch.cat([mean, torch.zeros_like(mean)])
        # From the first step, or rounding would give a feature that does not vary a tiny variance.
        around = x - x[0]
        variance = weights @ (around - weights @ around / v1).square() / (v1 - v2 / v1)
        return torch.cat([mean, root(variance)])

    def pool(self, seq: Sequences) -> Tensor:
        return weighted_statistics(seq)

    def out_features(self, in_features: int) -> int:
        return 2 * in_features
