"""The definition, sequence by sequence in float64, and whether a result agrees with it."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.throughput.batches import Batch
from seqpool import Pooler

TOLERANCE = {torch.float32: 1e-4, torch.bfloat16: 3e-2, torch.float16: 4e-3, torch.float64: 1e-10}
"""Largest error, relative to the largest value that is wanted: a result in bfloat16 is rounded to 2**-8 of itself."""


@dataclass(frozen=True)
class Wanted:
    """The right result, the gradients of the real steps and of the parameters for a cotangent, all in float64."""

    cotangent: Tensor
    pooled: Tensor
    steps: Tensor
    parameters: tuple[Tensor, ...]


def define(pooler: Pooler, batch: Batch) -> Wanted:
    """What `pooler.one` says of each sequence alone."""
    exact = deepcopy(pooler).double()
    steps = batch.steps(batch.stored.detach())
    sequences = torch.split(steps, batch.layout.lengths.tolist())
    width = pooler.out_features(steps.shape[1])
    generator = torch.Generator(steps.device).manual_seed(2)
    cotangent = torch.randn(len(sequences), width, generator=generator, device=steps.device).to(steps.dtype)
    parameters = tuple(torch.zeros_like(weight) for weight in exact.parameters())
    pooled, gradients = [], []
    for sequence, direction in zip(sequences, cotangent.double(), strict=True):
        x = sequence.double().requires_grad_()
        vector = exact.one(x)
        gradient, *of_weights = torch.autograd.grad(vector, [x, *exact.parameters()], direction)
        pooled.append(vector.detach())
        gradients.append(gradient)
        for total, part in zip(parameters, of_weights, strict=True):
            total += part
    return Wanted(cotangent, torch.stack(pooled), torch.cat(gradients), parameters)


def disagreement(name: str, got: Tensor, wanted: Tensor) -> str | None:
    """What is wrong with a tensor, or `None`."""
    if got.shape != wanted.shape:
        return f"{name}: shape {tuple(got.shape)}, {tuple(wanted.shape)} is right"
    error = (got.double() - wanted).abs().max()
    allowed = TOLERANCE[got.dtype] * wanted.abs().max()
    # Not `error > allowed`: NaN must fail.
    return None if bool(error <= allowed) else f"{name}: off by {error:.2g}, {allowed:.2g} is allowed"


def wrong_forward(pooled: Tensor, wanted: Wanted) -> str | None:
    """What is wrong with a result, or `None`."""
    return disagreement("output", pooled, wanted.pooled)


def wrong_backward(gradients: Sequence[Tensor], wanted: Wanted, batch: Batch, *, ties: bool) -> str | None:
    """What is wrong with the gradients of what is stored and, where they came, of the parameters.

    With `ties`, steps equal to the result share its gradient in any way; no other step may have one.
    """
    steps, right = batch.steps(gradients[0]), wanted.steps
    faults: list[str | None] = []
    if ties:
        extreme = batch.steps(batch.stored.detach()).double() == wanted.pooled.repeat_interleave(
            batch.layout.lengths, 0, output_size=steps.shape[0]
        )
        if bool(steps.masked_fill(extreme, 0).ne(0).any()):
            faults.append("gradient: not 0 on a step of another value than the result")
        steps, right = (torch.segment_reduce(g.double(), "sum", offsets=batch.offsets) for g in (steps, right))
        steps = steps.to(gradients[0].dtype)
    faults.append(disagreement("gradient", steps, right))
    outside = gradients[0].flatten(0, -2).index_fill(0, batch.layout.rows, 0)
    if bool(outside.ne(0).any()):
        faults.append("gradient: not 0 on padding")
    pairs = zip(gradients[1:], wanted.parameters, strict=False)  # rivals may have no parameters
    faults += [disagreement("gradient of a parameter", got, right) for got, right in pairs]
    return next((fault for fault in faults if fault), None)
