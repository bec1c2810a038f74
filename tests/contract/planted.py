"""Poolers with the mistakes that people make; the contract must kill each."""

from typing import final

import torch
from torch import Tensor, nn

from seqpool import Sequences
from seqpool.ops import gather, peak, select, spread, total
from seqpool.poolers.base import Pooler, settle


def _mean(seq: Sequences) -> Tensor:
    return total(seq, seq.values) / seq.count.clamp(min=1).unsqueeze(1)


class Mean(Pooler):
    """The definition that most mistakes are made about."""

    def one(self, x: Tensor) -> Tensor:
        return x.mean(0)


@final
class LastColumn(Pooler):
    """The last column of the tensor, for the last step of the sequence."""

    def one(self, x: Tensor) -> Tensor:
        return x[-1]

    def pool(self, seq: Sequences) -> Tensor:
        return seq.values[:, -1]


@final
class MeanOverT(Mean):
    """The steps that the tensor has, for those that the sequence has."""

    def pool(self, seq: Sequences) -> Tensor:
        return select(seq, seq.values).sum(1) / max(seq.values.shape[1], 1)


@final
class MultipliedByMask(Mean):
    """0 times NaN is NaN."""

    def pool(self, seq: Sequences) -> Tensor:
        valid = seq.valid()
        rows = seq.values if valid is None else seq.values * valid.unsqueeze(-1)
        return rows.sum(1) / seq.count.clamp(min=1).unsqueeze(1)


@final
class BatchMateLeak(Mean):
    """Batch statistics: nothing is left of a sequence alone."""

    def pool(self, seq: Sequences) -> Tensor:
        pooled = _mean(seq)
        return pooled - pooled.mean(0)


@final
class FirstInPackedOrder(Pooler):
    """The packed order, longest first, for the caller's."""

    def one(self, x: Tensor) -> Tensor:
        return x[0]

    def pool(self, seq: Sequences) -> Tensor:
        if seq.hops is not None:
            return seq.values[: seq.batch]
        return gather(seq, seq.values, torch.zeros_like(seq.lengths))


@final
class MapReadsPadding(Pooler):
    """A map with parameters over rows whose padding is not zeroed: right forward, NaN in the weight's gradient."""

    def __init__(self, in_features: int) -> None:
        super().__init__()
        self.map = nn.Linear(in_features, in_features)

    def one(self, x: Tensor) -> Tensor:
        mapped: Tensor = self.map(x).sum(0)
        return mapped

    def pool(self, seq: Sequences) -> Tensor:
        return settle(seq, total(seq, self.map(seq.values)))


@final
class FilledWithBillion(Pooler):
    """A number that is small enough, until it is not."""

    def one(self, x: Tensor) -> Tensor:
        return x.max(0).values

    def pool(self, seq: Sequences) -> Tensor:
        valid = seq.valid()
        rows = seq.values if valid is None else seq.values.masked_fill(~valid.unsqueeze(-1), -1e9)
        return torch.where((seq.count > 0).unsqueeze(1), rows.max(1).values, 0)


@final
class EvenTies(Pooler):
    """`amax` shares the gradient among the maxima; the contract gives it to the first."""

    def one(self, x: Tensor) -> Tensor:
        return x.max(0).values

    def pool(self, seq: Sequences) -> Tensor:
        return select(seq, seq.values).amax(1)


@final
class SummedInHalf(Pooler):
    """4,096 ones are 256 in bfloat16."""

    def one(self, x: Tensor) -> Tensor:
        return x.sum(0)

    def pool(self, seq: Sequences) -> Tensor:
        return torch.segment_reduce(seq.values, "sum", lengths=seq.lengths, axis=0)


@final
class SpanForCount(Mean):
    """A mask with holes has fewer steps than lie between its ends."""

    def pool(self, seq: Sequences) -> Tensor:
        return settle(seq, total(seq, seq.values) / seq.lengths.clamp(min=1).unsqueeze(1))


@final
class WeighedByColumn(Pooler):
    """Left padding moves every column."""

    def one(self, x: Tensor) -> Tensor:
        return (x / torch.arange(1, x.shape[0] + 1).unsqueeze(1)).sum(0)

    def pool(self, seq: Sequences) -> Tensor:
        column = torch.arange(1, seq.values.shape[1] + 1, device=seq.values.device)
        return total(seq, select(seq, seq.values) / column.unsqueeze(1))


@final
class DividedByNothing(Mean):
    """0 / 0."""

    def pool(self, seq: Sequences) -> Tensor:
        return settle(seq, total(seq, seq.values) / seq.count.unsqueeze(1))


@final
class LastSortedTogether(Pooler):
    """A result that hangs on where in the batch the sequence is."""

    def one(self, x: Tensor) -> Tensor:
        return x.max(0).values

    def pool(self, seq: Sequences) -> Tensor:
        place = torch.arange(seq.batch, device=seq.values.device).unsqueeze(1)
        return peak(seq, seq.values) + (seq.count > 0).unsqueeze(1) * 1e-3 * place


@final
class FreshMemory(Mean):
    """Memory that nobody wrote."""

    def pool(self, seq: Sequences) -> Tensor:
        return _mean(seq) + 0 * torch.empty_like(seq.values[0, 0])


@final
class Doubled(Mean):
    """`spread` the mean and sum it again: n times too much."""

    def pool(self, seq: Sequences) -> Tensor:
        rows = torch.zeros_like(select(seq, seq.values)) + spread(seq, _mean(seq))
        return settle(seq, total(seq, rows))
