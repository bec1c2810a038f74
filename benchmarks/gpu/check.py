"""Whether the kernels are right on a device: each verb, layout and dtype against one sequence at a time in float64.

Padding holds NaN, one sequence is empty where the layout allows it, and one has no step that differs from its first.
What comes twice comes the same, bit for bit.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

import torch
from torch import Tensor

from benchmarks.throughput.batches import LAYOUTS, Batch, build
from benchmarks.throughput.measure import FORWARD, TRAINING, call, fault
from benchmarks.throughput.oracle import Wanted, define
from benchmarks.throughput.shapes import Shape
from benchmarks.throughput.subjects import SUBJECTS
from benchmarks.throughput.trial import Contender, Trial
from seqpool import Pooler, ops

VERBS = {
    "sum": "total",
    "max": "peak",
    "min": "peak",
    "logsumexp": "log_mean_exp",
    "std": "variation",
    "attention": "attend",
}
"""A pooler for each verb that has kernels; both ends of `peak`."""
DTYPES = (torch.float32, torch.bfloat16, torch.float16, torch.float64)
SHAPES = (Shape(7, 33, 130, "uniform"), Shape(5, 1500, 72, "giant"))
"""No size is round; the second is read in two stages. 16 bytes divide the pitch of some dtypes and not of others."""


@dataclass(frozen=True)
class Holed(Shape):
    """A shape whose last sequence is empty."""

    def lengths(self) -> Tensor:
        lengths = super().lengths()
        lengths[-1] = 0
        return lengths


@dataclass(frozen=True)
class Check:
    """What was compared, and what is wrong with it: nothing, where `fault` is empty."""

    pooler: str
    layout: str
    dtype: str
    shape: str
    fault: str


def checks(
    device: torch.device, layouts: Sequence[str] = tuple(LAYOUTS), shapes: Sequence[Shape] = SHAPES
) -> Iterator[Check]:
    """Values, and gradients of steps and parameters, of every combination."""
    for shape, dtype, layout, name in product(shapes, DTYPES, layouts, VERBS):
        torch.manual_seed(0)
        pooler = SUBJECTS[name].make(shape.features).to(device, dtype)
        trial = Trial(name, pooler, _batch(layout, shape, dtype, device))
        with ops.backend("reference"):
            wanted = _wanted(pooler, trial.batch)
        with ops.backend("triton"):
            contender = Contender(trial.pool, tuple(pooler.parameters()))
            wrong = fault(trial, contender, wanted, TRAINING) or _unsteady(trial, contender, wanted)
        yield Check(name, layout, str(dtype).removeprefix("torch."), str(shape), wrong or "")


def _batch(layout: str, shape: Shape, dtype: torch.dtype, device: torch.device) -> Batch:
    # Packing knows no empty sequence.
    holed = shape if layout == "packed" else Holed(*vars(shape).values())
    batch = build(layout, holed, dtype, device)
    table = torch.full_like(batch.stored.detach(), float("nan"))
    first = int(batch.layout.lengths[0])
    steps = batch.steps(batch.stored.detach()).clone()
    steps[:first] = steps[0]
    table.flatten(0, -2)[batch.layout.rows] = steps
    return replace(batch, stored=table.requires_grad_())


def _wanted(pooler: Pooler, batch: Batch) -> Wanted:
    """The definition, which an empty sequence has none of: its result is 0, and it gives no gradient."""
    some = batch.layout.lengths > 0
    wanted = define(pooler, replace(batch, layout=replace(batch.layout, lengths=batch.layout.lengths[some])))
    cotangent = wanted.cotangent.new_ones(batch.size, wanted.cotangent.shape[1])
    pooled = wanted.pooled.new_zeros(cotangent.shape)
    cotangent[some], pooled[some] = wanted.cotangent, wanted.pooled
    return replace(wanted, cotangent=cotangent, pooled=pooled)


def _unsteady(trial: Trial, contender: Contender, wanted: Wanted) -> str | None:
    for passes in (FORWARD, TRAINING):
        run = call(trial, contender, wanted, passes)
        if not all(map(torch.equal, run(), run())):
            return f"{passes}: a second run differs"
    return None


def how_many(layouts: Sequence[str] = tuple(LAYOUTS), shapes: Sequence[Shape] = SHAPES) -> int:
    """The number of combinations."""
    return len(shapes) * len(DTYPES) * len(layouts) * len(VERBS)
