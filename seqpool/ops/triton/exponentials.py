"""Logarithm of the summed exponentials of the steps, with its gradient and the gradient's own."""

from typing import Any

import torch
from torch import Tensor

from seqpool.layout import Sequences
from seqpool.ops.triton import address
from seqpool.ops.triton.address import again, keep_strides, places, shares, strides, where
from seqpool.ops.triton.kernels.gradients import share_gradient_kernel
from seqpool.ops.triton.kernels.moments import logsumexp_kernel
from seqpool.ops.triton.language import kernel_op, launch
from seqpool.ops.triton.tiles import tile


def logsumexp(seq: Sequences, rows: Tensor, dtype: torch.dtype) -> Tensor:
    """Logarithm of the summed exponentials of each sequence's real rows, `(B, F)` in `dtype`; -inf for none."""
    return segment_logsumexp(rows, *where(seq, rows, backward=True), dtype)


def _keep(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    rows, *found_by, ctx.time, _ = inputs
    ctx.save_for_backward(rows, output, *found_by)


def _backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    arguments: Any = (grad, *ctx.saved_tensors, ctx.time)
    return logsumexp_gradient(*arguments), *[None] * 8


def _fake(
    rows: Tensor, start: Tensor, lengths: Tensor, hops: Tensor | None, keep: Tensor | None, owner: Tensor | None,
    valid: Tensor | None, time: int, dtype: torch.dtype,
) -> Tensor:  # fmt: skip  # one line an address
    return rows.new_empty((lengths.shape[0], rows.shape[-1]), dtype=dtype)


@kernel_op(_fake, _keep, _backward)
def segment_logsumexp(
    rows: Tensor, start: Tensor, lengths: Tensor, hops: Tensor | None, keep: Tensor | None, owner: Tensor | None,
    valid: Tensor | None, time: int, dtype: torch.dtype,
) -> Tensor:  # fmt: skip  # one line an address
    """One number a sequence and feature; in two stages where a sequence may be long, for shares add up as steps do."""
    chunks = shares(rows, lengths, hops, time)
    if chunks is None:
        return _reduce(rows, start, lengths, hops, keep, None, None, time, dtype)
    parts = _reduce(rows, start, lengths, hops, keep, chunks.owners, chunks.firsts, time, dtype)
    return _reduce(parts, chunks.firsts, chunks.counts, None, None, None, None, -1, dtype)


def _reduce(
    rows: Tensor, start: Tensor, lengths: Tensor, hops: Tensor | None, keep: Tensor | None, owners: Tensor | None,
    firsts: Tensor | None, time: int, dtype: torch.dtype,
) -> Tensor:  # fmt: skip  # one line an address
    programs, features = (lengths if owners is None else owners).shape[0], rows.shape[-1]
    out = rows.new_empty((programs, features), dtype=dtype)
    shape = tile(rows, programs)
    launch(logsumexp_kernel)[programs, -(-features // shape.width)](
        out, rows, start, lengths, hops, keep, owners, firsts, *strides(rows, time, shape.grain),
        *keep_strides(keep, time), features // shape.whole, CHUNK=0 if owners is None else address.CHUNK,
        HOPS=hops is not None, KEEP=keep is not None, **shape.fixed,
    )  # fmt: skip  # one line a role
    return out


def _keep_gradient(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    *tensors, ctx.time = inputs
    ctx.save_for_backward(*tensors)


def _shared(grads: Tensor, rows: Tensor, norms: Tensor, owner: Tensor, real: Tensor) -> Tensor:
    share = (torch.where(real, rows.to(norms.dtype) - norms[owner], 0)).exp()
    return torch.where(real, grads[owner] * share, 0).to(rows.dtype)


def _gradient_backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    *inputs, start, lengths, _, keep, owner, valid = ctx.saved_tensors
    return *again(_shared, inputs, (start, lengths, keep, owner, valid), ctx.time, grad), *[None] * 7


def _fake_gradient(
    grads: Tensor, rows: Tensor, norms: Tensor, start: Tensor, lengths: Tensor, hops: Tensor | None,
    keep: Tensor | None, owner: Tensor | None, valid: Tensor | None, time: int,
) -> Tensor:  # fmt: skip  # one line an address
    return rows.new_empty(rows.shape)


@kernel_op(_fake_gradient, _keep_gradient, _gradient_backward)
def logsumexp_gradient(
    grads: Tensor, rows: Tensor, norms: Tensor, start: Tensor, lengths: Tensor, hops: Tensor | None,
    keep: Tensor | None, owner: Tensor | None, valid: Tensor | None, time: int,
) -> Tensor:  # fmt: skip  # one line an address
    """Each row's share of its sequence's gradient, 0 on padding."""
    out, features = rows.new_empty(rows.shape), rows.shape[-1]
    many, size = places(rows.shape, time)
    shape = tile(rows, many)
    launch(share_gradient_kernel)[-(-many // shape.steps), -(-features // shape.width)](
        out, rows, grads.contiguous(), norms, start, lengths, keep, owner, valid, *strides(rows, time, shape.grain),
        *keep_strides(keep, time), many, size, features // shape.whole,
        TIME=time, KEEP=keep is not None, VALID=valid is not None, **shape.fixed,
    )  # fmt: skip  # one line a role
    return out
