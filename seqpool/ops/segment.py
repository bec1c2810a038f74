"""The reference backend in plain PyTorch.

Each reduction has a dense form, which every device, graph and transform can run and differentiate. Where the host may
read lengths (`on_host`), a sum reads just the real rows instead, in one pass.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from seqpool.layout import Sequences, on_host
from seqpool.ops import bags, recording
from seqpool.ops.rows import accumulator, by_sequence, select, weigh_padded
from seqpool.ops.rows import spread as rows_spread


def total(seq: Sequences, rows: Tensor, dtype: torch.dtype) -> Tensor:
    """Sum of the real rows of each sequence, `(B, F)` in `dtype`."""
    if one_pass(rows):
        summed: Tensor = recording.run(_Total, rows, seq, dtype)
        return summed
    return _dense_total(seq, rows).to(dtype)


def weighted(seq: Sequences, weights: Tensor, rows: Tensor) -> Tensor:
    """The verb of this name, where `one_pass` allows it."""
    summed: Tensor = recording.run(_Weighted, weights, rows, seq)
    return summed


def pick(seq: Sequences, rows: Tensor, step: Tensor) -> Tensor:
    """The row at real step `step[b]` of each sequence, `(B, F)`; any row for an empty one."""
    place, *inner = seq.at(step)
    if not on_host(rows) or (inner and rows.stride(0) != rows.shape[1] * rows.stride(1)):
        return rows[(place, *inner)]
    # The same rows out of one table, in a quarter of the time that an index a dimension takes.
    if inner:
        place = torch.add(inner[0], place, alpha=rows.shape[1])
    return rows.flatten(0, -2).index_select(0, place)


def by_slices(seq: Sequences, rows: Tensor, numbers: int) -> bool:
    """Whether a few calls a sequence, over its real rows alone, cost less than the dense form does on `numbers`."""
    return one_pass(rows) and rows.numel() >= numbers * seq.batch


def one_pass(rows: Tensor) -> bool:
    """Whether the host may look where the real rows lie, and there are numbers to read."""
    return on_host(rows) and 0 not in rows.shape


class _Total(torch.autograd.Function):
    @staticmethod
    def forward(rows: Tensor, seq: Sequences, dtype: torch.dtype) -> Tensor:
        return bags.total(seq, rows, dtype)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Sequences, torch.dtype], output: Tensor) -> None:  # noqa: ARG004  # torch passes it
        rows, ctx.seq, _ = inputs
        ctx.dtype, ctx.shape = rows.dtype, rows.shape

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        return spread(ctx.seq, grad.to(ctx.dtype)).expand(ctx.shape), None, None


class _Weighted(torch.autograd.Function):
    @staticmethod
    def forward(weights: Tensor, rows: Tensor, seq: Sequences) -> Tensor:
        if seq.time is not None and seq.valid() is None and rows.dtype == weights.dtype:
            return weigh_padded(seq, weights, rows).squeeze(1)
        return bags.total(seq, rows, weights.dtype, weights)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, Sequences], output: Tensor) -> None:  # noqa: ARG004  # torch passes it
        weights, rows, ctx.seq = inputs
        ctx.save_for_backward(weights, rows)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        weights, rows = ctx.saved_tensors
        of_weights = of_rows = None
        if ctx.needs_input_grad[0]:
            each = select(ctx.seq, rows).to(grad.dtype) * rows_spread(ctx.seq, grad)
            of_weights = select(ctx.seq, each.sum(-1, keepdim=True))
        if ctx.needs_input_grad[1]:
            of_rows = _outer(ctx.seq, weights, grad).to(rows.dtype)
        return of_weights, of_rows, None


def _outer(seq: Sequences, weights: Tensor, vectors: Tensor) -> Tensor:
    """Each row's own vector, times its weight."""
    if seq.time is None:
        return weights * rows_spread(seq, vectors)
    return by_sequence(seq, torch.bmm(by_sequence(seq, weights), vectors.unsqueeze(1)))


def spread(seq: Sequences, vectors: Tensor) -> Tensor:
    """Each row's own vector, 0 on padding."""
    valid = seq.valid()
    if valid is None:
        return rows_spread(seq, vectors)
    if not on_host(vectors):
        return torch.where(valid.unsqueeze(-1), rows_spread(seq, vectors), 0)
    # Whole vectors are copied, onto padding one of zeros: up to 30 times faster than to select number by number.
    place = torch.where(valid, seq.owner(), seq.batch)
    return F.pad(vectors, (0, 0, 0, 1)).index_select(0, place.flatten()).view(*place.shape, vectors.shape[-1])


def _dense_total(seq: Sequences, rows: Tensor) -> Tensor:
    wide = accumulator(rows.dtype)
    valid = seq.valid()
    if valid is not None:
        rows = torch.where(valid.unsqueeze(-1), rows, 0)
    if seq.time is not None:
        return rows.sum(seq.time, dtype=wide)
    return rows.new_zeros((seq.batch, rows.shape[-1]), dtype=wide).index_add(0, seq.owner(), rows.to(wide))
