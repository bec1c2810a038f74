"""Poolers whose class does not keep its word."""

from typing import Any, ClassVar, final

import torch
from torch import Tensor

from seqpool import Sequences
from seqpool.poolers.base import Pooler
from tests.contract.planted import Mean, SpanForCount


class Unfinished(Mean):
    def pool(self, seq: Sequences) -> Tensor:
        return SpanForCount().pool(seq)


@final
class Silent(Mean):
    """An argument that the repr hides, and a width that is not the result's."""

    samples = ({"k": 3},)

    def __init__(self, *, k: int = 1) -> None:
        super().__init__()
        self.k = k

    def pool(self, seq: Sequences) -> Tensor:
        return SpanForCount().pool(seq)

    def out_features(self, in_features: int) -> int:
        return in_features + self.k


@final
class Forgetful(Mean):
    """Numbers drawn at the start and kept in no state_dict."""

    def __init__(self) -> None:
        super().__init__()
        self.drawn = torch.randn(1)

    def pool(self, seq: Sequences) -> Tensor:
        return SpanForCount().pool(seq) * self.drawn


@final
class Orderly(Mean):
    """The order of the steps does not matter to a mean."""

    order = True

    def pool(self, seq: Sequences) -> Tensor:
        return SpanForCount().pool(seq)


@final
class Bent(Pooler):
    """A square is not piecewise linear."""

    piecewise = True

    def one(self, x: Tensor) -> Tensor:
        return x.square().mean(0)

    def pool(self, seq: Sequences) -> Tensor:
        return SpanForCount().pool(seq).square()


@final
class Exempt(Pooler):
    """Excused from a row that it breaks, from one that is none, and from one without a reason."""

    exempt: ClassVar[dict[str, str]] = {"declarations": "it bends", "no such row": "none", "half": ""}
    piecewise = True

    def one(self, x: Tensor) -> Tensor:
        return x.square().mean(0)

    def pool(self, seq: Sequences) -> Tensor:
        return SpanForCount().pool(seq).square()


@final
class TakesAll(Mean):
    """Arguments taken and dropped."""

    def pool(self, seq: Sequences) -> Tensor:
        return SpanForCount().pool(seq)

    def _equipped(self, seq: Sequences, *extras: Any) -> Sequences:
        return seq


@final
class Guesses(Pooler):
    """Zeros for states that did not come."""

    needs = ("h_n",)

    def one(self, x: Tensor, h_n: Tensor) -> Tensor:
        return h_n[-1]

    def pool(self, seq: Sequences) -> Tensor:
        return seq.values.new_zeros(seq.batch, seq.features) if seq.h_n is None else seq.h_n[-1]
