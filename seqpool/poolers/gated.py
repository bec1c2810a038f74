"""Weighted: a sum of the steps behind learned gates."""

from typing import final

from torch import Tensor, nn

from seqpool.layout import Sequences
from seqpool.ops import accumulator, select, weighted
from seqpool.poolers.base import Pooler, check_at_least_one, settle


@final
class GatedSumPooler(Pooler):
    r"""Add the steps up, each times a learned gate between 0 and 1.

    Unlike softmax weights, gates do not compete: the result grows with the number of steps that matter.

    .. math:: y = \sum_t g_t x_t, \quad g_t = \sigma(w^\top x_t + b)

    Source: `WeightAndSum` of Li et al. 2021, "DGL-LifeSci: An Open-Source Toolkit for Deep Learning on Graphs in Life
    Science" (https://arxiv.org/abs/2106.14232).

    Args:
        in_features: D, the width of a step.

    Shape:
        n steps of D features -> D features.

    Raises:
        ValueError: `in_features` is below 1.

    Example:
        >>> GatedSumPooler(4)(torch.randn(2, 3, 4), lengths=[3, 1]).shape
        torch.Size([2, 4])
    """

    also = ("WeightAndSum", "sigmoid attention")

    def __init__(self, in_features: int) -> None:
        super().__init__()
        check_at_least_one("in_features", in_features, "the width of output")
        self.gate = nn.Linear(in_features, 1)

    def one(self, x: Tensor) -> Tensor:
        gates: Tensor = self.gate(x).sigmoid()
        return (gates * x).sum(0)

    def pool(self, seq: Sequences) -> Tensor:
        rows = select(seq, seq.values)
        scores: Tensor = self.gate(rows)
        return settle(seq, weighted(seq, select(seq, scores.to(accumulator(scores.dtype)).sigmoid()), rows))
