"""Padding left out before what costs more than a copy of the rows, where the host may read lengths."""

from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from seqpool.layout import Sequences
from seqpool.ops import recording, segment, slices


def compact(seq: Sequences) -> Sequences:
    """The same sequences laid flat, so that a map over rows meets real ones alone; as they came where all are real.

    Args:
        seq: the sequences.
    """
    rows = seq.values
    if not segment.one_pass(rows) or slices.table(rows) is None or seq.valid() is None:
        return seq
    values: Tensor = recording.run(_Real, rows, seq)
    start = F.pad(seq.count.cumsum(0), (1, 0))[:-1]
    numbers = None if seq.weights is None else seq.weights.unsqueeze(-1)
    weights = None if numbers is None else slices.take(numbers, slices.index(seq, numbers)).squeeze(1)
    flat = replace(seq, values=values, lengths=seq.count, start=start, time=None, hops=None, order=None)
    return replace(flat, keep=None, full=True, source=None, weights=weights)


def restore(seq: Sequences, flat: Sequences, rows: Tensor) -> Tensor:
    """Rows `(*rows, H)` of `flat`, which is `compact(seq)`, where they lie in `seq`; 0 on padding.

    Args:
        seq: the sequences as they came.
        flat: the same ones, compact.
        rows: what was found for the rows of `flat`.
    """
    return rows if flat is seq else _put(seq, rows, seq.values.shape[:-1])


class _Real(torch.autograd.Function):
    @staticmethod
    def forward(rows: Tensor, seq: Sequences) -> Tensor:
        return slices.take(rows, slices.index(seq, rows))

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Sequences], output: Tensor) -> None:  # noqa: ARG004  # torch passes it
        rows, ctx.seq = inputs
        ctx.shape = rows.shape[:-1]

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return _put(ctx.seq, grad, ctx.shape), None


def _put(seq: Sequences, rows: Tensor, shape: torch.Size) -> Tensor:
    """Real rows, one sequence after the other, among zeros of the leading shape that they came from."""
    place = slices.index(seq, torch.empty((*shape, 1), device="meta"))
    return rows.new_zeros(shape.numel(), rows.shape[-1]).index_copy(0, place, rows).view(*shape, rows.shape[-1])
