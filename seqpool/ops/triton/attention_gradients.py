"""Gradients of the softmax-weighted average by its rows and its scores."""

from typing import Any

import torch
from torch import Tensor

from seqpool.ops.triton.address import keep_strides, owned, places, strides
from seqpool.ops.triton.kernels.attention import row_gradient_kernel, score_gradient_kernel
from seqpool.ops.triton.language import kernel_op, launch
from seqpool.ops.triton.tiles import tile


def _keep(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:  # torch passes it
    *tensors, ctx.time = inputs
    ctx.save_for_backward(*tensors)


def _weights(scores: Tensor, shift: Tensor, norm: Tensor, owner: Tensor, real: Tensor) -> Tensor:
    """Weight of each row, differentiable, 0 on padding."""
    score = torch.where(real.unsqueeze(-1), scores.to(norm.dtype) - shift[owner], 0)
    return torch.where(real.unsqueeze(-1), score.exp() / norm[owner], 0)


def _backward(ctx: Any, row_grad: Tensor, score_grad: Tensor) -> tuple[Tensor | None, ...]:
    """The second derivative, in plain PyTorch through the same formula."""
    grads, deltas, rows, scores, shift, norm, start, lengths, _, keep, owner, valid = ctx.saved_tensors
    sequence, real = owned(rows, start, lengths, keep, owner, valid, ctx.time)
    inputs = [x.detach().requires_grad_() for x in (grads, deltas, rows, scores, norm)]
    with torch.enable_grad():
        grads, deltas, rows, scores, norm = inputs
        weight = _weights(scores, shift, norm, sequence, real)
        table = torch.where(real.unsqueeze(-1), rows, 0).to(grads.dtype)
        by_row = (weight.unsqueeze(-1) * grads[sequence]).sum(-2)
        by_score = weight * ((grads[sequence] * table.unsqueeze(-2)).sum(-1) - deltas[sequence])
        both = (by_row * row_grad).sum() + (by_score * score_grad).sum()
    grad, delta, row, score, mass = torch.autograd.grad(both, inputs)
    return grad, delta, row, score, None, mass, *[None] * 7


def _fake(
    grads: Tensor, deltas: Tensor, rows: Tensor, scores: Tensor, shift: Tensor, norm: Tensor, start: Tensor,
    lengths: Tensor, hops: Tensor | None, keep: Tensor | None, owner: Tensor | None, valid: Tensor | None, time: int,
) -> tuple[Tensor, Tensor]:  # fmt: skip  # one line an address
    return rows.new_empty(rows.shape), scores.new_empty(scores.shape)


@kernel_op(_fake, _keep, _backward)
def attend_gradients(
    grads: Tensor, deltas: Tensor, rows: Tensor, scores: Tensor, shift: Tensor, norm: Tensor, start: Tensor,
    lengths: Tensor, hops: Tensor | None, keep: Tensor | None, owner: Tensor | None, valid: Tensor | None, time: int,
) -> tuple[Tensor, Tensor]:  # fmt: skip  # one line an address
    """Gradients by the rows and by the scores, 0 on padding; no row is read again for its own gradient."""
    by_row, by_score = rows.new_empty(rows.shape), scores.new_empty(scores.shape)
    grads, deltas = grads.contiguous(), deltas.contiguous()
    features, heads = rows.shape[-1], scores.shape[-1]
    many, size = places(rows.shape, time)
    shape = tile(rows, many)
    tiles = -(-many // shape.steps)
    found_by = start, lengths, keep, owner, valid
    flags = {"TIME": time, "KEEP": keep is not None, "VALID": valid is not None}
    last = *strides(scores, time), *keep_strides(keep, time), many, size, features // shape.whole, heads
    steps = *strides(rows, time, shape.grain), *last
    launch(score_gradient_kernel)[tiles * heads,](
        by_score, rows, grads, deltas, scores, shift, norm, *found_by, *steps, **flags, **shape.fixed
    )
    spare = shape.spare
    launch(row_gradient_kernel)[tiles, -(-features // spare.width)](
        by_row, grads, scores, shift, norm, *found_by, *last, **flags, **spare.fixed
    )
    return by_row, by_score
