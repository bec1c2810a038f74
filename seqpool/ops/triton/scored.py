"""Softmax-weighted average of the steps by linear scores: rows are read once, for the scores and for the average."""

from typing import Any

import torch
from torch import Tensor

from seqpool.layout import Sequences
from seqpool.ops.triton.address import keep_strides, places, shares, strides, where
from seqpool.ops.triton.kernels.attention import attend_kernel
from seqpool.ops.triton.kernels.scored import attend_by_kernel
from seqpool.ops.triton.language import kernel_op, launch
from seqpool.ops.triton.scored_gradients import attend_by_gradients
from seqpool.ops.triton.scored_tiles import query_stride, row_tile, share_of
from seqpool.ops.triton.tiles import tile

Averages = tuple[Tensor, Tensor, Tensor]


def attend_by(seq: Sequences, rows: Tensor, query: Tensor, dtype: torch.dtype) -> Tensor:
    """Averages `(B, 1, D)` in `dtype`, weighed by the softmax of the rows' products with the query.

    It is `(1, D)`, or `(B, 1, D)` where each sequence has its own.
    """
    needy = rows if rows.requires_grad else query
    return segment_attend_by(rows, query.to(dtype).contiguous(), *where(seq, needy, backward=True), dtype)[0]


def _keep(ctx: Any, inputs: tuple[Any, ...], output: Averages) -> None:
    rows, query, *found_by, ctx.time, _ = inputs
    ctx.mark_non_differentiable(output[1])
    ctx.save_for_backward(rows, query, *output, *found_by)


def _backward(ctx: Any, grad: Tensor, _: Tensor, mass_grad: Tensor) -> tuple[Tensor | None, ...]:
    rows, query, average, shift, norm, *found_by = ctx.saved_tensors
    delta = (grad * average).sum(-1) - mass_grad * norm
    arguments: Any = (grad.contiguous(), delta.contiguous(), rows, query, shift, norm, *found_by, ctx.time)
    return *attend_by_gradients(*arguments), *[None] * 8


def _fake(
    rows: Tensor, query: Tensor, start: Tensor, lengths: Tensor, hops: Tensor | None, keep: Tensor | None,
    owner: Tensor | None, valid: Tensor | None, time: int, dtype: torch.dtype,
) -> Averages:  # fmt: skip  # one line an address
    return _fresh(query, lengths.shape[0])


def _fresh(query: Tensor, programs: int) -> Averages:
    cells = programs, query.shape[-2]
    return query.new_empty((*cells, query.shape[-1])), query.new_empty(cells), query.new_empty(cells)


@kernel_op(_fake, _keep, _backward)
def segment_attend_by(
    rows: Tensor, query: Tensor, start: Tensor, lengths: Tensor, hops: Tensor | None, keep: Tensor | None,
    owner: Tensor | None, valid: Tensor | None, time: int, dtype: torch.dtype,
) -> Averages:  # fmt: skip  # one line an address
    """Average each sequence's rows; in two stages where a sequence may be long."""
    chunk = share_of(places(rows.shape, time)[0])
    chunks = shares(rows, lengths, hops, time, chunk)
    if chunks is None:
        return _average(rows, query, start, lengths, hops, keep, None, None, time, 0)
    parts = _average(rows, query, start, lengths, hops, keep, chunks.owners, chunks.firsts, time, chunk)
    return _join(*parts, chunks.firsts, chunks.counts)


def _average(
    rows: Tensor, query: Tensor, start: Tensor, lengths: Tensor, hops: Tensor | None, keep: Tensor | None,
    owners: Tensor | None, firsts: Tensor | None, time: int, chunk: int,
) -> Averages:  # fmt: skip  # one line an address
    programs = (lengths if owners is None else owners).shape[0]
    out, shift, norm = _fresh(query, programs)
    shape = row_tile(rows, query)
    launch(attend_by_kernel)[programs,](
        out, shift, norm, rows, query, start, lengths, hops, keep, owners, firsts,
        *strides(rows, time, shape["GRAIN"])[:2], query_stride(query, shape["WHOLE"]), *keep_strides(keep, time),
        query.shape[-1] // shape["WHOLE"],
        FINAL=owners is None, CHUNK=chunk, HOPS=hops is not None, KEEP=keep is not None, **shape,
    )  # fmt: skip  # one line a role
    return out, shift, norm


def _join(parts: Tensor, shifts: Tensor, norms: Tensor, firsts: Tensor, counts: Tensor) -> Averages:
    """Averages of shares as averages of sequences."""
    sequences, features = counts.shape[0], parts.shape[-1]
    out, shift, norm = _fresh(parts[0], sequences)
    shape = tile(parts, sequences)
    launch(attend_kernel)[sequences, -(-features // shape.width)](
        out, shift, norm, parts, shifts, norms, firsts, counts, None, None, None, None,
        *strides(parts[:, 0], -1, shape.grain), features // shape.grain, *strides(shifts, -1), 0, 0,
        features // shape.whole, 1,
        FINAL=True, NESTED=True, CHUNK=0, HOPS=False, KEEP=False, **shape.fixed,
    )  # fmt: skip  # one line a role
    return out, shift, norm
