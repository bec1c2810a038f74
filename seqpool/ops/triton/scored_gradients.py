"""Gradients of the average by linear scores, by its rows and its query: rows are read once more, for both."""

from typing import Any

import torch
from torch import Tensor

from seqpool.ops.triton.address import Shares, keep_strides, owned, places, shares, strides
from seqpool.ops.triton.kernels.scored_gradients import attend_by_gradient_kernel
from seqpool.ops.triton.language import kernel_op, launch
from seqpool.ops.triton.scored_tiles import gradient_tile, query_stride, share_of
from seqpool.ops.triton.sums import segment_total


def _keep(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:  # torch passes it
    *tensors, ctx.time = inputs
    ctx.save_for_backward(*tensors)


def _backward(ctx: Any, row_grad: Tensor, query_grad: Tensor) -> tuple[Tensor | None, ...]:
    """The second derivative, in plain PyTorch through the same formula."""
    grads, deltas, rows, query, shift, norm, start, lengths, _, keep, owner, valid = ctx.saved_tensors
    sequence, real = owned(rows, start, lengths, keep, owner, valid, ctx.time)
    sequence, real = sequence.flatten(), real.flatten().unsqueeze(1)
    inputs = [x.detach().requires_grad_() for x in (grads, deltas, rows, query, norm)]
    with torch.enable_grad():
        grads, deltas, rows, query, norm = inputs
        table = torch.where(real, rows.flatten(0, -2), 0).to(grads.dtype).unsqueeze(1)
        asked = query.expand_as(grads)[sequence]
        score = torch.where(real, (table * asked).sum(-1) - shift[sequence], 0)
        weight = torch.where(real, score.exp() / norm[sequence], 0)
        by_score = weight * ((grads[sequence] * table).sum(-1) - deltas[sequence])
        by_row = (weight.unsqueeze(-1) * grads[sequence] + by_score.unsqueeze(-1) * asked).sum(1)
        by_query = by_score * (table * query_grad.expand_as(grads)[sequence]).sum(-1)
        both = (by_row * row_grad.flatten(0, -2)).sum() + by_query.sum()
    grad, delta, row, asked, mass = torch.autograd.grad(both, inputs)
    return grad, delta, row, asked, None, mass, *[None] * 7


def _fake(
    grads: Tensor, deltas: Tensor, rows: Tensor, query: Tensor, shift: Tensor, norm: Tensor, start: Tensor,
    lengths: Tensor, hops: Tensor | None, keep: Tensor | None, owner: Tensor | None, valid: Tensor | None, time: int,
) -> tuple[Tensor, Tensor]:  # fmt: skip  # one line an address
    return rows.new_empty(rows.shape), torch.empty_like(query)


@kernel_op(_fake, _keep, _backward)
def attend_by_gradients(
    grads: Tensor, deltas: Tensor, rows: Tensor, query: Tensor, shift: Tensor, norm: Tensor, start: Tensor,
    lengths: Tensor, hops: Tensor | None, keep: Tensor | None, owner: Tensor | None, valid: Tensor | None, time: int,
) -> tuple[Tensor, Tensor]:  # fmt: skip  # one line an address
    """Gradients by the rows, 0 on padding, and by the query: each program's part of it, then their sum."""
    many, size = places(rows.shape, time)
    # Where a table holds rows of nobody, no sequence leads to them.
    by_row = rows.new_empty(rows.shape) if valid is None else rows.new_zeros(rows.shape)
    chunk, chunks, programs = share_of(many), None, lengths.shape[0]
    if time != -1:
        programs *= -(-rows.shape[time] // chunk)
    elif (chunks := shares(rows, lengths, hops, time, chunk)) is not None:
        programs = chunks.owners.shape[0]
    else:
        chunk = 0
    parts = query.new_empty((programs, *query.shape[-2:]))
    shape = gradient_tile(rows, query, time)
    launch(attend_by_gradient_kernel)[programs,](
        by_row, parts, rows, query, grads, deltas, shift, norm, start, lengths, hops, keep,
        *((None, None) if chunks is None else chunks[:2]),
        *strides(rows, time, shape["GRAIN"])[:2], query_stride(query, shape["WHOLE"]), *keep_strides(keep, time),
        many, size, query.shape[-1] // shape["WHOLE"],
        TIME=time, CHUNK=chunk, HOPS=hops is not None, KEEP=keep is not None, **shape,
    )  # fmt: skip  # one line a role
    return by_row, _gathered(parts, query, chunks)


def _gathered(parts: Tensor, query: Tensor, chunks: Shares | None) -> Tensor:
    """The query's gradient out of that of each program: of all, or of a sequence's own."""
    if query.ndim == 2:
        return parts.sum(0)
    if chunks is None:
        return parts.reshape(query.shape[0], -1, *query.shape[1:]).sum(1)
    table, address = parts.flatten(1), (chunks.firsts, chunks.counts, None, None, None, None, -1)
    return segment_total(table, *address, parts.dtype).reshape(query.shape)
