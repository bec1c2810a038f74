"""Statistics: how the features vary together."""

from typing import final

import torch
from torch import Tensor, nn

from seqpool.layout import Sequences
from seqpool.ops import centred, mean, select
from seqpool.poolers.base import Pooler, check_at_least_one, settle


@final
class CovariancePooler(Pooler):
    r"""Project the steps to a few directions and take their covariance.

    .. math:: y = triu(\frac{1}{n} \sum_{t=1}^{n} (z_t - \bar{z})(z_t - \bar{z})^\top), \quad z_t = W x_t

    The upper triangle of the matrix, row by row: the rest repeats it. One step has no covariance and gives 0. Unlike
    MPN-COV, it takes no power of the matrix, whose eigenvectors have no gradient where eigenvalues meet.

    Source: this library, after the covariance pooling of Li et al. 2017, "Is Second-order Information Helpful for
    Large-scale Visual Recognition?" (https://arxiv.org/abs/1703.08050), of projected steps and without its matrix
    power.

    Args:
        in_features: D, the width of a step.
        rank: R, the number of directions.

    Shape:
        n steps of D features -> R * (R + 1) / 2 features.

    Raises:
        ValueError: a size is below 1.

    Example:
        >>> CovariancePooler(4, rank=3)(torch.randn(2, 5, 4), lengths=[5, 1]).shape
        torch.Size([2, 6])
    """

    samples = ({"rank": 3}, {})
    also = ("second-order pooling", "covariance pooling", "MPN-COV without the matrix power")

    def __init__(self, in_features: int, *, rank: int = 8) -> None:
        super().__init__()
        check_at_least_one("in_features", in_features, "the width of output")
        check_at_least_one("rank", rank, "the result has rank * (rank + 1) / 2 features")
        self.rank = rank
        # A bias would move every step alike, and a covariance does not see that.
        self.project = nn.Linear(in_features, rank, bias=False)

    def one(self, x: Tensor) -> Tensor:
        covariance = torch.cov(self.project(x).T, correction=0).reshape(self.rank, self.rank)
        return torch.cat([covariance[i, i:] for i in range(self.rank)])

    def pool(self, seq: Sequences) -> Tensor:
        _, deviation = centred(seq, self.project(select(seq, seq.values)))
        products = [deviation[..., i : i + 1] * deviation[..., i:] for i in range(self.rank)]
        return settle(seq, mean(seq, torch.cat(products, dim=-1)))

    def out_features(self, in_features: int) -> int:
        return self.rank * (self.rank + 1) // 2
