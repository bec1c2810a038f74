"""Mean of the steps and the sum of their squared deviations, with their gradients and the gradients' own."""

from typing import Any

import torch
from torch import Tensor

from seqpool.layout import Sequences
from seqpool.ops.triton import address
from seqpool.ops.triton.address import again, keep_strides, places, shares, strides, where
from seqpool.ops.triton.kernels.gradients import line_gradient_kernel
from seqpool.ops.triton.kernels.moments import variation_kernel
from seqpool.ops.triton.language import kernel_op, launch
from seqpool.ops.triton.tiles import tile

Variation = tuple[Tensor, Tensor, Tensor, Tensor]


def variation(seq: Sequences, rows: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Mean of each sequence's real rows and the sum of their squared deviations from it, `(B, F)` in `dtype`."""
    return segment_variation(rows, *where(seq, rows, backward=True), dtype)[:2]


def _keep(ctx: Any, inputs: tuple[Any, ...], output: Variation) -> None:
    rows, *found_by, ctx.time, _ = inputs
    mean, _, missed, count = output
    ctx.mark_non_differentiable(missed, count)
    ctx.save_for_backward(rows, mean, missed, count, *found_by)


def _backward(ctx: Any, grad: Tensor, squares_grad: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
    rows, mean, missed, count, *found_by = ctx.saved_tensors
    slope = 2 * squares_grad
    # The deviations sum to 0: how the mean moves changes no sum of squares.
    level = grad / count.clamp(min=1).unsqueeze(1) - slope * missed
    arguments: Any = (level, slope, rows, mean, *found_by, ctx.time)
    return variation_gradient(*arguments), *[None] * 8


def _fake(
    rows: Tensor, start: Tensor, lengths: Tensor, hops: Tensor | None, keep: Tensor | None, owner: Tensor | None,
    valid: Tensor | None, time: int, dtype: torch.dtype,
) -> Variation:  # fmt: skip  # one line an address
    return _fresh(rows, lengths.shape[0], dtype)


def _fresh(rows: Tensor, programs: int, dtype: torch.dtype) -> Variation:
    mean = rows.new_empty((programs, rows.shape[-1]), dtype=dtype)
    return mean, torch.empty_like(mean), torch.empty_like(mean), rows.new_empty(programs, dtype=dtype)


@kernel_op(_fake, _keep, _backward)
def segment_variation(
    rows: Tensor, start: Tensor, lengths: Tensor, hops: Tensor | None, keep: Tensor | None, owner: Tensor | None,
    valid: Tensor | None, time: int, dtype: torch.dtype,
) -> Variation:  # fmt: skip  # one line an address
    """Mean, squares, what rounding the mean missed, and count; in two stages where a sequence may be long."""
    chunks = shares(rows, lengths, hops, time)
    if chunks is None:
        return _vary(rows, None, None, None, start, lengths, hops, keep, None, None, time, dtype)
    found = start, lengths, hops, keep, chunks.owners, chunks.firsts
    parts = _vary(rows, None, None, None, *found, time, dtype)
    return _vary(*parts, chunks.firsts, chunks.counts, None, None, None, None, -1, dtype)


def _vary(
    rows: Tensor, squares: Tensor | None, level: Tensor | None, count: Tensor | None, start: Tensor, lengths: Tensor,
    hops: Tensor | None, keep: Tensor | None, owners: Tensor | None, firsts: Tensor | None, time: int,
    dtype: torch.dtype,
) -> Variation:  # fmt: skip  # one line an address
    programs, features = (lengths if owners is None else owners).shape[0], rows.shape[-1]
    out = _fresh(rows, programs, dtype)
    shape = tile(rows, programs) if squares is None else tile(rows, programs).spare
    launch(variation_kernel)[programs, -(-features // shape.width)](
        *out, rows, squares, level, count, start, lengths, hops, keep, owners, firsts,
        *strides(rows, time, shape.grain), *keep_strides(keep, time), features // shape.whole,
        NESTED=squares is not None, FINAL=owners is None, CHUNK=0 if owners is None else address.CHUNK,
        HOPS=hops is not None, KEEP=keep is not None, **shape.fixed,
    )  # fmt: skip  # one line a role
    return out


def _keep_gradient(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    *tensors, ctx.time = inputs
    ctx.save_for_backward(*tensors)


def _line(level: Tensor, slope: Tensor, rows: Tensor, mean: Tensor, owner: Tensor, real: Tensor) -> Tensor:
    deviation = torch.where(real, rows.to(mean.dtype) - mean[owner], 0)
    return torch.where(real, level[owner] + slope[owner] * deviation, 0).to(rows.dtype)


def _gradient_backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    *inputs, start, lengths, _, keep, owner, valid = ctx.saved_tensors
    return *again(_line, inputs, (start, lengths, keep, owner, valid), ctx.time, grad), *[None] * 7


def _fake_gradient(
    level: Tensor, slope: Tensor, rows: Tensor, mean: Tensor, start: Tensor, lengths: Tensor, hops: Tensor | None,
    keep: Tensor | None, owner: Tensor | None, valid: Tensor | None, time: int,
) -> Tensor:  # fmt: skip  # one line an address
    return rows.new_empty(rows.shape)


@kernel_op(_fake_gradient, _keep_gradient, _gradient_backward)
def variation_gradient(
    level: Tensor, slope: Tensor, rows: Tensor, mean: Tensor, start: Tensor, lengths: Tensor, hops: Tensor | None,
    keep: Tensor | None, owner: Tensor | None, valid: Tensor | None, time: int,
) -> Tensor:  # fmt: skip  # one line an address
    """Each row's level plus slope times its deviation, 0 on padding."""
    out, features = rows.new_empty(rows.shape), rows.shape[-1]
    many, size = places(rows.shape, time)
    shape = tile(rows, many)
    launch(line_gradient_kernel)[-(-many // shape.steps), -(-features // shape.width)](
        out, rows, level.contiguous(), slope.contiguous(), mean, start, lengths, keep, owner, valid,
        *strides(rows, time, shape.grain), *keep_strides(keep, time), many, size, features // shape.whole,
        TIME=time, KEEP=keep is not None, VALID=valid is not None, **shape.fixed,
    )  # fmt: skip  # one line a role
    return out
