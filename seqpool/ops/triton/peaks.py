"""Maximum and minimum over the steps: NaN propagates, and the gradient goes to the first such step."""

from typing import Any

import torch
from torch import Tensor

from seqpool.layout import Sequences
from seqpool.ops.triton import address
from seqpool.ops.triton.address import keep_strides, shares, strides, where
from seqpool.ops.triton.kernels.reductions import peak_kernel
from seqpool.ops.triton.language import kernel_op, launch
from seqpool.ops.triton.sums import segment_spread
from seqpool.ops.triton.tiles import tile


def peak(seq: Sequences, rows: Tensor, largest: bool) -> Tensor:
    """First largest (smallest) real row of each sequence and feature, `(B, F)`."""
    return segment_peak(rows, *where(seq, rows, backward=True), largest)[0]


def _keep_peak(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    rows, *found_by, ctx.time, _ = inputs
    ctx.dtype, ctx.shape = rows.dtype, rows.shape
    ctx.mark_non_differentiable(output[1])
    ctx.save_for_backward(output[1], *found_by)


def _peak_backward(ctx: Any, grad: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
    arguments: Any = (grad, *ctx.saved_tensors, ctx.time, ctx.dtype, ctx.shape)
    return segment_spread(*arguments), *[None] * 8


def _fake_peak(
    rows: Tensor, start: Tensor, lengths: Tensor, hops: Tensor | None, keep: Tensor | None, owner: Tensor | None,
    valid: Tensor | None, time: int, largest: bool,
) -> tuple[Tensor, Tensor]:  # fmt: skip  # one line an address
    shape = lengths.shape[0], rows.shape[-1]
    return rows.new_empty(shape), rows.new_empty(shape, dtype=torch.int64)


@kernel_op(_fake_peak, _keep_peak, _peak_backward)
def segment_peak(
    rows: Tensor, start: Tensor, lengths: Tensor, hops: Tensor | None, keep: Tensor | None, owner: Tensor | None,
    valid: Tensor | None, time: int, largest: bool,
) -> tuple[Tensor, Tensor]:  # fmt: skip  # one line an address
    """The best of each sequence's rows, and its place along the step axis; in two stages where one may be long."""
    chunks = shares(rows, lengths, hops, time)
    if chunks is None:
        return _best(rows, None, start, lengths, hops, keep, None, None, time, largest)
    parts, at = _best(rows, None, start, lengths, hops, keep, chunks.owners, chunks.firsts, time, largest)
    return _best(parts, at, chunks.firsts, chunks.counts, None, None, None, None, -1, largest)


def _best(
    rows: Tensor, at: Tensor | None, start: Tensor, lengths: Tensor, hops: Tensor | None, keep: Tensor | None,
    owners: Tensor | None, firsts: Tensor | None, time: int, largest: bool,
) -> tuple[Tensor, Tensor]:  # fmt: skip  # one line an address
    programs, features = (lengths if owners is None else owners).shape[0], rows.shape[-1]
    out = rows.new_empty((programs, features))
    out_at = rows.new_empty((programs, features), dtype=torch.int64)
    shape = tile(rows, programs)
    launch(peak_kernel)[programs, -(-features // shape.width)](
        out, out_at, rows, at, start, lengths, hops, keep, owners, firsts, *strides(rows, time, shape.grain),
        *keep_strides(keep, time), features // shape.whole,
        LARGEST=largest, NESTED=at is not None, FINAL=owners is None, CHUNK=0 if owners is None else address.CHUNK,
        HOPS=hops is not None, KEEP=keep is not None, **shape.fixed,
    )  # fmt: skip  # one line a role
    return out, out_at
