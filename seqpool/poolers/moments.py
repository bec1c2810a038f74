"""Statistics: the first four moments of the steps."""

from typing import final

import torch
from torch import Tensor

from seqpool.layout import Sequences
from seqpool.ops import centred, mean, select, spread
from seqpool.poolers.base import Pooler, settle
from seqpool.poolers.statistics import root, widened


def moments(seq: Sequences) -> Tensor:
    """Mean, deviation, skewness and kurtosis side by side, `(B, 4F)`; see `MomentsPooler`."""
    # Powers of a quotient by a small deviation magnify its rounding.
    centre, deviation = centred(seq, select(seq, widened(seq.values)))
    std = root(mean(seq, deviation.square()))
    score = deviation / spread(seq, torch.where(std == 0, 1, std))
    return settle(seq, torch.cat([centre, std, mean(seq, score**3), mean(seq, score**4)], dim=1))


@final
class MomentsPooler(Pooler):
    r"""Concatenate the mean, the standard deviation, the skewness and the kurtosis of each feature.

    .. math:: y = [\mu; \sigma; \frac{1}{n} \sum_t z_t^3; \frac{1}{n} \sum_t z_t^4],
        \quad z_t = \frac{x_t - \mu}{\sigma}

    The kurtosis is 3 for a normal distribution (nothing is subtracted). Where the variance is 0, so are the last three.
    Unlike the paper, which takes the n-th root of the n-th central moment, this divides the third and the fourth by a
    power of the deviation, as skewness and kurtosis are defined.

    Source: the moments of Corso et al. 2020, "Principal Neighbourhood Aggregation for Graph Nets"
    (https://arxiv.org/abs/2004.05718).

    Shape:
        n steps of D features -> 4D features, one statistic after the other.

    Example:
        >>> x = torch.tensor([[[0.0], [0.0], [0.0], [4.0], [9.0]]])
        >>> MomentsPooler()(x, lengths=[4])
        tensor([[1.0000, 1.7321, 1.1547, 2.3333]])
    """

    also = ("high-order statistics", "normalized moments", "skewness and kurtosis")

    def one(self, x: Tensor) -> Tensor:
        wide = x.double()
        mean, std = wide.mean(0), root(wide.var(0, correction=0))
        score = (wide - mean) / torch.where(std == 0, 1, std)
        third, fourth = score.pow(3).mean(0), score.pow(4).mean(0)
        # A rounded mean would leave a score where all steps are the same.
        return torch.cat([mean, std, torch.where(std == 0, 0, third), torch.where(std == 0, 0, fourth)]).to(x.dtype)

    def pool(self, seq: Sequences) -> Tensor:
        return moments(seq)

    def out_features(self, in_features: int) -> int:
        return 4 * in_features
