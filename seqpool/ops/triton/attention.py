"""Softmax-weighted average of the steps, any number of heads, in one pass over the rows."""

from typing import Any

import torch
from torch import Tensor

from seqpool.layout import Sequences
from seqpool.ops.triton import address
from seqpool.ops.triton.address import keep_strides, shares, strides, where
from seqpool.ops.triton.attention_gradients import attend_gradients
from seqpool.ops.triton.kernels.attention import attend_kernel
from seqpool.ops.triton.language import kernel_op, launch
from seqpool.ops.triton.tiles import tile

Averages = tuple[Tensor, Tensor, Tensor]


def attend(seq: Sequences, scores: Tensor, rows: Tensor, dtype: torch.dtype) -> Averages:
    """Averages `(B, H, F)`, and what turns scores into weights: each sequence's largest score and mass, `(B, H)`.

    All in `dtype`; the weight of a score is `exp(score - largest) / mass`. The largest is a shift without a gradient.
    """
    needy = rows if rows.requires_grad else scores
    return segment_attend(rows, scores, *where(seq, needy, backward=True), dtype)


def _keep(ctx: Any, inputs: tuple[Any, ...], output: Averages) -> None:
    rows, scores, *found_by, ctx.time, ctx.accumulator = inputs
    ctx.mark_non_differentiable(output[1])
    ctx.save_for_backward(rows, scores, *output, *found_by)


def _backward(ctx: Any, grad: Tensor, _: Tensor, mass_grad: Tensor) -> tuple[Tensor | None, ...]:
    rows, scores, average, shift, norm, *found_by = ctx.saved_tensors
    delta = (grad * average).sum(-1) - mass_grad * norm
    arguments: Any = (grad, delta, rows, scores, shift, norm, *found_by, ctx.time)
    return *attend_gradients(*arguments), *[None] * 8


def _fake(
    rows: Tensor, scores: Tensor, start: Tensor, lengths: Tensor, hops: Tensor | None, keep: Tensor | None,
    owner: Tensor | None, valid: Tensor | None, time: int, dtype: torch.dtype,
) -> Averages:  # fmt: skip  # one line an address
    return _fresh(rows, lengths.shape[0], scores.shape[-1], dtype)


def _fresh(rows: Tensor, programs: int, heads: int, dtype: torch.dtype) -> Averages:
    cells = programs, heads
    average = rows.new_empty((*cells, rows.shape[-1]), dtype=dtype)
    return average, rows.new_empty(cells, dtype=dtype), rows.new_empty(cells, dtype=dtype)


@kernel_op(_fake, _keep, _backward)
def segment_attend(
    rows: Tensor, scores: Tensor, start: Tensor, lengths: Tensor, hops: Tensor | None, keep: Tensor | None,
    owner: Tensor | None, valid: Tensor | None, time: int, dtype: torch.dtype,
) -> Averages:  # fmt: skip  # one line an address
    """Average each sequence's rows; in two stages where a sequence may be long."""
    chunks = shares(rows, lengths, hops, time)
    if chunks is None:
        return _average(rows, scores, None, start, lengths, hops, keep, None, None, time, dtype)
    parts = _average(rows, scores, None, start, lengths, hops, keep, chunks.owners, chunks.firsts, time, dtype)
    return _average(*parts, chunks.firsts, chunks.counts, None, None, None, None, -1, dtype)


def _average(
    rows: Tensor, scores: Tensor, masses: Tensor | None, start: Tensor, lengths: Tensor, hops: Tensor | None,
    keep: Tensor | None, owners: Tensor | None, firsts: Tensor | None, time: int, dtype: torch.dtype,
) -> Averages:  # fmt: skip  # one line an address
    programs, heads, features = (lengths if owners is None else owners).shape[0], scores.shape[-1], rows.shape[-1]
    out, shift, norm = _fresh(rows, programs, heads, dtype)
    shape = tile(rows, programs * heads)
    by_row = strides(rows if masses is None else rows[:, 0], time, shape.grain)
    launch(attend_kernel)[programs * heads, -(-features // shape.width)](
        out, shift, norm, rows, scores, masses, start, lengths, hops, keep, owners, firsts, *by_row,
        0 if masses is None else features // shape.grain, *strides(scores, time), *keep_strides(keep, time),
        features // shape.whole, heads,
        FINAL=owners is None, NESTED=masses is not None, CHUNK=0 if owners is None else address.CHUNK,
        HOPS=hops is not None, KEEP=keep is not None, **shape.fixed,
    )  # fmt: skip  # one line a role
    return out, shift, norm
