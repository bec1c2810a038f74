"""Poolers that break dtypes, derivatives, graphs, devices or their own word."""

from typing import Any, final

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from seqpool import Sequences
from seqpool.ops import attend, select, total
from seqpool.poolers.base import AttentionBase, Pooler
from tests.contract.planted import Mean


def _mean(seq: Sequences) -> Tensor:
    return total(seq, seq.values) / seq.count.clamp(min=1).unsqueeze(1)


@final
class WideResult(Mean):
    """The accumulator's dtype, for the input's."""

    def pool(self, seq: Sequences) -> Tensor:
        return _mean(seq)


@final
class NarrowResult(Pooler):
    """A map's dtype, for the input's: autocast makes it half."""

    def __init__(self, in_features: int) -> None:
        super().__init__()
        self.map = nn.Linear(in_features, in_features, bias=False)

    def one(self, x: Tensor) -> Tensor:
        mapped: Tensor = self.map(x.sum(0))
        return mapped

    def pool(self, seq: Sequences) -> Tensor:
        mapped: Tensor = self.map(total(seq, seq.values).to(seq.values.dtype))
        return mapped


@final
class ThroughSingle(Mean):
    """float64 by way of float32."""

    def pool(self, seq: Sequences) -> Tensor:
        return (total(seq, seq.values.float()) / seq.count.clamp(min=1).unsqueeze(1)).to(seq.values.dtype)


@final
class StoppedGradient(Pooler):
    """Half of a product rule."""

    def one(self, x: Tensor) -> Tensor:
        return x.square().sum(0)

    def pool(self, seq: Sequences) -> Tensor:
        return total(seq, seq.values * seq.values.detach())


class _Once(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.square()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        slope: Tensor = 2 * x * grad
        return slope


@final
class Once(Pooler):
    """A gradient without a gradient."""

    def one(self, x: Tensor) -> Tensor:
        return x.square().sum(0)

    def pool(self, seq: Sequences) -> Tensor:
        squared: Tensor = _Once.apply(select(seq, seq.values))  # type: ignore[no-untyped-call]  # torch leaves it untyped
        return total(seq, squared)


@final
class AsksTheDevice(Mean):
    """A length read on the host: a wait on an accelerator, a constant or an error in a graph."""

    def pool(self, seq: Sequences) -> Tensor:
        longest = int(seq.lengths.max())
        return select(seq, seq.values)[:, :longest].sum(1) / seq.count.clamp(min=1).unsqueeze(1)


@final
class AsksTheValues(Mean):
    """A branch on what the steps are."""

    def pool(self, seq: Sequences) -> Tensor:
        return _mean(seq) if bool((select(seq, seq.values) < 1e9).all()) else 2 * _mean(seq)


@final
class HostIndex(Mean):
    """An index on the CPU beside values on the accelerator."""

    def pool(self, seq: Sequences) -> Tensor:
        return _mean(seq) + 0 * torch.zeros(seq.batch, 1)


@final
class BranchesOnSize(Mean):
    """Another graph for long batches."""

    def pool(self, seq: Sequences) -> Tensor:
        return _mean(seq) if seq.values.shape[1] < 9 else 2 * _mean(seq) / 2


@final
class BurnsSteps(Mean):
    """A Python loop over the steps writes their number into the graph."""

    def pool(self, seq: Sequences) -> Tensor:
        summed = select(seq, seq.values)[:, 0] * 0
        for step in range(seq.values.shape[1]):
            summed = summed + select(seq, seq.values)[:, step]
        return summed / seq.count.clamp(min=1).unsqueeze(1)


@final
class NoSuchOperator(Pooler):
    """An operator that ONNX does not have."""

    def one(self, x: Tensor) -> Tensor:
        return torch.i0(x).sum(0)

    def pool(self, seq: Sequences) -> Tensor:
        return total(seq, torch.i0(select(seq, seq.values)))


class _Attention(AttentionBase):
    def __init__(self, in_features: int) -> None:
        super().__init__()
        self.score = nn.Linear(in_features, 1)

    def one(self, x: Tensor) -> Tensor:
        alpha: Tensor = self.score(x).softmax(0)
        return alpha.squeeze(1) @ x


@final
class WeightsOnPadding(_Attention):
    """Weights that are small on padding."""

    def weigh(self, seq: Sequences) -> tuple[Tensor, Tensor]:
        rows = select(seq, seq.values)
        pooled, weights = attend(seq, self.score(rows), rows)
        return pooled.flatten(1), weights + 1e-7


@final
class WeightsBeforeSoftmax(_Attention):
    """Weights that do not sum to 1."""

    def weigh(self, seq: Sequences) -> tuple[Tensor, Tensor]:
        rows = select(seq, seq.values)
        scores = self.score(rows)
        return attend(seq, scores, rows)[0].flatten(1), select(seq, scores)


@final
class Sharpened(_Attention):
    """Scores that are not those of its score."""

    def weigh(self, seq: Sequences) -> tuple[Tensor, Tensor]:
        rows = select(seq, seq.values)
        pooled, weights = attend(seq, 2 * self.score(rows), rows)
        return pooled.flatten(1), weights
