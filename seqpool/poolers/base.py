"""The abstract bases: `forward` lives here and nowhere else."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Literal, overload

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from seqpool.layout import Integers, Output, Sequences, States, attach_extras, view


class Pooler(nn.Module, ABC):
    """Turn each sequence of a batch into one vector, whatever layout it comes in.

    A subclass is final and gives two forms of one definition: `one`, on a single unpadded sequence, and `pool`, on a
    batch. Constructors take `in_features` first where there are parameters; all else is keyword-only.
    """

    samples: ClassVar[tuple[dict[str, Any], ...]] = ({},)
    """Keyword arguments, without `in_features`, of the instances that the contract tests run."""

    order: bool = False
    """Whether the result depends on the order of the steps; of a class, whether one of its `samples` does."""

    piecewise: bool = False
    """Whether the result is piecewise linear in the steps, so that its second derivative is 0; of a class, for all."""

    also: ClassVar[tuple[str, ...]] = ()
    """Other names that the field knows this method by."""

    exempt: ClassVar[dict[str, str]] = {}
    """Rows of the contract that the method cannot keep, each with its reason; the docstring says them too."""

    needs: tuple[str, ...] = ()
    """What `pool` cannot do without beside the steps; `one` takes them after `x`, in this order."""

    @abstractmethod
    def one(self, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """Pool one sequence without padding, `(n, D)` with n >= 1 to `(F,)`: the definition.

        A subclass names what it `needs` after `x`; the open signature here lets it.
        """

    @abstractmethod
    def pool(self, seq: Sequences) -> Tensor:
        """Pool a batch: `(B, F)` in the dtype of `seq.values`, zeros for an empty sequence."""

    def out_features(self, in_features: int) -> int:
        """Width F of the result for rows of width `in_features`."""
        return in_features

    def forward(
        self,
        output: Output,
        h_n: States | None = None,
        *,
        lengths: Integers | None = None,
        mask: Tensor | None = None,
        offsets: Integers | None = None,
        batch_first: bool = True,
        weights: Output | None = None,
        query: Tensor | None = None,
    ) -> Tensor:
        """Pool `output`, `(B, F)`; see `seqpool.view` for the arguments.

        `weights`, one a step in the layout of `output`, and `query`, `(B, Q)`, are for poolers that need them.
        """
        seq = view(output, h_n, lengths=lengths, mask=mask, offsets=offsets, batch_first=batch_first)
        return self.pool(self._equipped(seq, weights, query))

    def _equipped(self, seq: Sequences, weights: Output | None, query: Tensor | None) -> Sequences:
        """The view with what came beside the steps, where this pooler has a use for it."""
        given = {"weights": weights is not None, "query": query is not None}
        for name, came in given.items():
            if came and name not in self.needs:
                raise TypeError(
                    f"{type(self).__name__} has no use for {name}: leave it out, or take a pooler that does"
                )
        return attach_extras(seq, weights, query)


class AttentionBase(Pooler):
    """A pooler that weighs the steps, and gives the weights on request."""

    @abstractmethod
    def weigh(self, seq: Sequences) -> tuple[Tensor, Tensor]:
        """Pool a batch and say how: `(B, F)`, and weights `(*rows, H)` that are exactly 0 on padding."""

    def pool(self, seq: Sequences) -> Tensor:
        return self.weigh(seq)[0]

    @overload
    def forward(
        self,
        output: Output,
        h_n: States | None = None,
        *,
        lengths: Integers | None = None,
        mask: Tensor | None = None,
        offsets: Integers | None = None,
        batch_first: bool = True,
        weights: Output | None = None,
        query: Tensor | None = None,
        return_weights: Literal[False] = False,
    ) -> Tensor: ...
    @overload
    def forward(
        self,
        output: Output,
        h_n: States | None = None,
        *,
        lengths: Integers | None = None,
        mask: Tensor | None = None,
        offsets: Integers | None = None,
        batch_first: bool = True,
        weights: Output | None = None,
        query: Tensor | None = None,
        return_weights: Literal[True],
    ) -> tuple[Tensor, Tensor | PackedSequence]: ...
    def forward(
        self,
        output: Output,
        h_n: States | None = None,
        *,
        lengths: Integers | None = None,
        mask: Tensor | None = None,
        offsets: Integers | None = None,
        batch_first: bool = True,
        weights: Output | None = None,
        query: Tensor | None = None,
        return_weights: bool = False,
    ) -> Tensor | tuple[Tensor, Tensor | PackedSequence]:
        """Pool `output`, `(B, F)`, with the weights in the layout of `output` where `return_weights` asks for them."""
        seq = view(output, h_n, lengths=lengths, mask=mask, offsets=offsets, batch_first=batch_first)
        seq = self._equipped(seq, weights, query)
        if not return_weights:
            return self.pool(seq)
        pooled, alpha = self.weigh(seq)
        return pooled, seq.wrap(alpha)


def check_at_least_one(name: str, value: int, cure: str) -> None:
    """Refuse a size below 1."""
    if value < 1:
        raise ValueError(f"{name} must be at least 1, {value} came: {cure}")


def settle(seq: Sequences, pooled: Tensor) -> Tensor:
    """Finish a result: the dtype of the values, and NaN for a sequence whose states cannot be right."""
    if seq.suspect is not None:
        pooled = torch.where(seq.suspect.unsqueeze(1), float("nan"), pooled)
    return pooled.to(seq.values.dtype)
