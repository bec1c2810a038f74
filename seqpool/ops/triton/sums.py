"""Sum over the steps, with its gradient and the gradient's own."""

from typing import Any

import torch
from torch import Tensor

from seqpool.layout import Sequences
from seqpool.ops.triton import address
from seqpool.ops.triton.address import keep_strides, places, shares, strides, where
from seqpool.ops.triton.kernels.gradients import spread_kernel
from seqpool.ops.triton.kernels.reductions import total_kernel
from seqpool.ops.triton.language import kernel_op, launch
from seqpool.ops.triton.tiles import tile


def total(seq: Sequences, rows: Tensor, dtype: torch.dtype) -> Tensor:
    """Sum of the real rows of each sequence, `(B, F)` in `dtype`."""
    return segment_total(rows, *where(seq, rows, backward=True), dtype)


def _keep_total(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:  # torch passes it
    rows, *found_by, ctx.time, _ = inputs
    ctx.dtype, ctx.shape = rows.dtype, rows.shape
    ctx.save_for_backward(*found_by)


def _total_backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    arguments: Any = (grad, None, *ctx.saved_tensors, ctx.time, ctx.dtype, ctx.shape)
    return segment_spread(*arguments), *[None] * 8


def _fake_total(
    rows: Tensor, start: Tensor, lengths: Tensor, hops: Tensor | None, keep: Tensor | None, owner: Tensor | None,
    valid: Tensor | None, time: int, dtype: torch.dtype,
) -> Tensor:  # fmt: skip  # one line an address
    return rows.new_empty((lengths.shape[0], rows.shape[-1]), dtype=dtype)


@kernel_op(_fake_total, _keep_total, _total_backward)
def segment_total(
    rows: Tensor, start: Tensor, lengths: Tensor, hops: Tensor | None, keep: Tensor | None, owner: Tensor | None,
    valid: Tensor | None, time: int, dtype: torch.dtype,
) -> Tensor:  # fmt: skip  # one line an address
    """Sum each sequence's rows; in two stages where a sequence may be long."""
    chunks = shares(rows, lengths, hops, time)
    if chunks is None:
        return _sum(rows, start, lengths, hops, keep, None, None, time, dtype)
    parts = _sum(rows, start, lengths, hops, keep, chunks.owners, chunks.firsts, time, dtype)
    return _sum(parts, chunks.firsts, chunks.counts, None, None, None, None, -1, dtype)


def _sum(
    rows: Tensor, start: Tensor, lengths: Tensor, hops: Tensor | None, keep: Tensor | None, owners: Tensor | None,
    firsts: Tensor | None, time: int, dtype: torch.dtype,
) -> Tensor:  # fmt: skip  # one line an address
    programs, features = (lengths if owners is None else owners).shape[0], rows.shape[-1]
    out = rows.new_empty((programs, features), dtype=dtype)
    shape = tile(rows, programs)
    launch(total_kernel)[programs, -(-features // shape.width)](
        out, rows, start, lengths, hops, keep, owners, firsts, *strides(rows, time, shape.grain),
        *keep_strides(keep, time), features // shape.whole, CHUNK=0 if owners is None else address.CHUNK,
        HOPS=hops is not None, KEEP=keep is not None, **shape.fixed,
    )  # fmt: skip  # one line a role
    return out


def _keep_spread(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:  # torch passes it
    vectors, found, *found_by, ctx.time, _, _ = inputs
    ctx.dtype = vectors.dtype
    ctx.save_for_backward(found, *found_by)


def _spread_backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    found, *found_by = ctx.saved_tensors
    if found is None:
        arguments: Any = (grad, *found_by, ctx.time, ctx.dtype)
        return segment_total(*arguments), *[None] * 10
    axis = max(ctx.time, 0)
    place = found.clamp(min=0)
    picked = grad.gather(axis, place if ctx.time == -1 else place.unsqueeze(axis)).reshape(found.shape)
    return torch.where(found < 0, 0, picked).to(ctx.dtype), *[None] * 10


def _fake_spread(
    vectors: Tensor, found: Tensor | None, start: Tensor, lengths: Tensor, hops: Tensor | None, keep: Tensor | None,
    owner: Tensor | None, valid: Tensor | None, time: int, dtype: torch.dtype, shape: list[int],
) -> Tensor:  # fmt: skip  # one line an address
    return vectors.new_empty(shape, dtype=dtype)


@kernel_op(_fake_spread, _keep_spread, _spread_backward)
def segment_spread(
    vectors: Tensor, found: Tensor | None, start: Tensor, lengths: Tensor, hops: Tensor | None, keep: Tensor | None,
    owner: Tensor | None, valid: Tensor | None, time: int, dtype: torch.dtype, shape: list[int],
) -> Tensor:  # fmt: skip  # one line an address
    """Each real row's vector, or the features of it that were `found` there; 0 on padding, in `dtype`.

    `hops` serves the gradient, which sums over steps; this way round, each row knows its `owner`.
    """
    out = vectors.new_empty(shape, dtype=dtype)
    features = shape[-1]
    rows, size = places(shape, time)
    tiles = tile(out, rows).spare
    launch(spread_kernel)[-(-rows // tiles.steps), -(-features // tiles.width)](
        out, vectors.contiguous(), found, start, lengths, keep, owner, valid, *keep_strides(keep, time), rows, size,
        features // tiles.whole, PEAK=found is not None, TIME=time, KEEP=keep is not None, VALID=valid is not None,
        **tiles.fixed,
    )  # fmt: skip  # one line a role
    return out
