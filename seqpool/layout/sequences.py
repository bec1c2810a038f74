"""`Sequences`: one batch of sequences as an address formula over rows that stay where they are."""

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from seqpool.layout.host import on_host

_CURES = {
    "h_n": "call pooler(*rnn(x)), these states are in no step of output",
    "c_n": "pass the LSTM's (h_n, c_n) as h_n",
    "weights": "give one number a step, in the layout of output",
    "query": "give one vector a sequence, (B, Q)",
}


@dataclass(frozen=True, kw_only=True)
class Sequences:
    r"""A batch of B sequences in any layout, read in place.

    Step :math:`t` of sequence :math:`b` is row :math:`origin_b + hop(t)` of the table of rows that `values` is, its
    leading axes read as one. Build it with `seqpool.view`, and hand it to several poolers to share the work.

    Source: this library.

    Args:
        values: the caller's own tensor: `(N, D)`, or padded `(B, T, D)` or `(T, B, D)`. Never copied.
        lengths: steps from the first real one to the last real one, `(B,)`, int64.
        count: real steps, `(B,)`; differs from `lengths` where a mask has holes.
        start: where step 0 of each sequence lies along the step axis (padded), or its row (other layouts), `(B,)`.
        time: the step axis of padded `values`; `None` where `values` is `(N, D)`.
        hops: rows from step 0 to step t, `(T,)`, where they are a table (packed); `None` where they are a stride.
        order: the sequence at each sorted place (packed), `(B,)`; `None` where sorted and original order agree.
        keep: which rows count, shaped like the rows, where a mask came.
        full: every row counts, known without looking at a value.
        source: the `PackedSequence` or nested tensor that `values` was taken from.
        h_n: final states of every layer and direction, `(L*dirs, B, H)`.
        c_n: final cell states, `(L*dirs, B, hidden_size)`.
        weights: the caller's weight of each step, shaped like the rows.
        query: the caller's query of each sequence, `(B, Q)`.
        suspect: sequences whose `h_n` disagrees with `values`, `(B,)`, where a check would have to wait for the device.

    Shape:
        `values`: N rows of D features; a padded tensor has B*T rows.

    Example:
        >>> seq = view(torch.arange(12.0).reshape(2, 3, 2), lengths=[3, 1])
        >>> seq.origin.tolist(), seq.stride, seq.lengths.tolist()
        ([0, 3], 1, [3, 1])
    """

    values: Tensor
    lengths: Tensor
    count: Tensor
    start: Tensor
    time: int | None = None
    hops: Tensor | None = None
    order: Tensor | None = None
    keep: Tensor | None = None
    full: bool = True
    source: PackedSequence | Tensor | None = None
    h_n: Tensor | None = None
    c_n: Tensor | None = None
    weights: Tensor | None = None
    query: Tensor | None = None
    suspect: Tensor | None = None

    @property
    def batch(self) -> int:
        """B, the number of sequences."""
        return self.lengths.shape[0]

    @property
    def features(self) -> int:
        """D, the width of a row."""
        return self.values.shape[-1]

    @property
    def origin(self) -> Tensor:
        """Row of step 0 of each sequence, `(B,)`."""
        sequence = torch.arange(self.batch, device=self.start.device)
        if self.time == 1:
            return self.start + sequence * self.values.shape[1]
        if self.time == 0:
            return self.start * self.batch + sequence
        return self.start

    @property
    def stride(self) -> int | None:
        """Rows from one step to the next; `None` where `hops` says it step by step."""
        if self.hops is not None:
            return None
        return self.batch if self.time == 0 else 1

    def at(self, step: Tensor) -> tuple[Tensor, ...]:
        """Index of real step `step[b]` of each sequence into rows shaped like `values`; any row of an empty one."""
        if self.hops is not None:
            return (self.start + self.hops[step],)
        if self.time is None:
            return ((self.start + step).clamp(max=self.values.shape[0] - 1),)
        place = self.start + step if self.keep is None else self._kept(self.keep, step, self.time)
        sequence = torch.arange(self.batch, device=self.start.device)
        return (sequence, place) if self.time == 1 else (place, sequence)

    def last(self) -> Tensor:
        """The real step that each sequence ends with, `(B,)`; 0 where it is empty."""
        return (self.count - 1).clamp(min=0)

    def span(self) -> "Sequences":
        """The same sequences with the holes of a mask filled in: the first step and the last one stay what they are."""
        return self if self.keep is None else replace(self, keep=None, count=self.lengths)

    def owner(self) -> Tensor:
        """Sequence that each row belongs to, shaped like the rows."""
        if self.time is not None:
            sequence = torch.arange(self.batch, device=self.start.device)
            return sequence.unsqueeze(self.time).expand(self.values.shape[:2])
        if self.hops is None and self.full and on_host(self.lengths):
            return torch.repeat_interleave(self.lengths)
        row = torch.arange(self.values.shape[0], device=self.start.device)
        if self.hops is None:
            # The ONNX exporter of torch 2.13 cannot type bucketize where the number of sequences is open.
            exporting, start = torch.compiler.is_exporting(), self.start
            before = (row.unsqueeze(1) >= start).sum(1) if exporting else torch.bucketize(row, start, right=True)
            # Rows before the first sequence are nobody's; `valid` says so, the owner must only be a legal index.
            return (before - 1).clamp(min=0)
        place = row - self.hops.index_select(0, self._packed_step(row))
        return place if self.order is None else self.order.index_select(0, place)

    def position(self) -> Tensor:
        """Which real step of its sequence each row is, counted from 0; meaningless on padding."""
        if self.keep is not None and self.time is not None:
            return self.keep.to(torch.int64).cumsum(self.time) - 1
        if self.time is not None:
            step = torch.arange(self.values.shape[self.time], device=self.start.device)
            return step - self.start.unsqueeze(1) if self.time == 1 else step.unsqueeze(1) - self.start
        row = torch.arange(self.values.shape[0], device=self.start.device)
        return self._packed_step(row) if self.hops is not None else row - self.start.index_select(0, self.owner())

    def step_sizes(self) -> Tensor:
        """How many rows each step of a packed batch has, `(T,)`: its `batch_sizes`."""
        assert self.hops is not None
        return self.hops.diff(append=self.hops.new_tensor([self.values.shape[0]]))

    def valid(self) -> Tensor | None:
        """Rows that count, shaped like the rows; `None` where all do, as far as the host may know."""
        if self.full or (on_host(self.count) and int(self.count.sum()) == self.values.shape[:-1].numel()):
            return None
        if self.keep is not None:
            return self.keep
        if self.time is None:
            position = self.position()
            return (position >= 0) & (position < self.lengths.index_select(0, self.owner()))
        step = torch.arange(self.values.shape[self.time], device=self.start.device).unsqueeze(1 - self.time)
        start, end = (bound.unsqueeze(self.time) for bound in (self.start, self.start + self.lengths))
        return (step >= start) & (step < end)

    def wrap(self, rows: Tensor) -> Tensor | PackedSequence:
        """Rows in the container that the caller's values came in."""
        if isinstance(self.source, PackedSequence):
            return self.source._replace(data=rows)
        if self.source is None:
            return rows
        source: Any = self.source  # torch does not type what only nested tensors have
        return torch.nested.nested_tensor_from_jagged(rows, source.offsets(), lengths=source.lengths())

    def need(self, name: str, who: str) -> Tensor:
        """What the pooler `who` cannot do without: `h_n`, `c_n`, `weights` or `query`."""
        came: Tensor | None = getattr(self, name)
        if came is None:
            raise ValueError(f"{who} needs {name}, none came: {_CURES[name]}")
        return came

    def with_states(self, h_n: Tensor | None, c_n: Tensor | None, suspect: Tensor | None) -> "Sequences":
        """Carry the recurrent network's final states."""
        return replace(self, h_n=h_n, c_n=c_n, suspect=suspect)

    def with_extras(self, weights: Tensor | None, query: Tensor | None) -> "Sequences":
        """Carry what the caller says of each step and of each sequence."""
        return replace(self, weights=weights, query=query)

    def _kept(self, keep: Tensor, step: Tensor, time: int) -> Tensor:
        """Where the `step`-th kept step lies along the step axis, `(B,)`."""
        steps = keep.shape[time]
        place = torch.arange(steps, device=keep.device).unsqueeze(1 - time)
        wanted = keep & (self.position() == step.unsqueeze(time))
        return torch.where(wanted, place, steps - 1).amin(time)

    def _packed_step(self, row: Tensor) -> Tensor:
        assert self.hops is not None
        if on_host(self.hops):
            return torch.repeat_interleave(self.step_sizes())
        return torch.bucketize(row, self.hops, right=True) - 1
