"""Whether the kernels are right on a device: each verb, layout and dtype against one sequence at a time in float64."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import torch

from benchmarks.throughput.batches import LAYOUTS, build
from benchmarks.throughput.measure import TRAINING, fault
from benchmarks.throughput.oracle import define
from benchmarks.throughput.shapes import Shape
from benchmarks.throughput.subjects import SUBJECTS
from benchmarks.throughput.trial import Contender, Trial
from seqpool import ops

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
        trial = Trial(name, pooler, build(layout, shape, dtype, device))
        with ops.backend("reference"):
            wanted = define(pooler, trial.batch)
        with ops.backend("triton"):
            wrong = fault(trial, Contender(trial.pool, tuple(pooler.parameters())), wanted, TRAINING)
        yield Check(name, layout, str(dtype).removeprefix("torch."), str(shape), wrong or "")


def how_many(layouts: Sequence[str] = tuple(LAYOUTS), shapes: Sequence[Shape] = SHAPES) -> int:
    """The number of combinations."""
    return len(shapes) * len(DTYPES) * len(layouts) * len(VERBS)
