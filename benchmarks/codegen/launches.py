"""The launches that dispatch can make, found by running it on tensors that have shapes alone.

What a kernel is compiled for follows from the address of steps (ADDRESSES: which of hops, keep, owner and valid there
are, and the step axis), from the tile and the stages (SHAPES: warps by the number of programs, stages by the longest
sequence, width by the features, and whether 16 bytes divide them), from how rows lie in memory (MEMORIES), and from the
dtype. Nothing else is looked at: sizes and strides are not specialised on, but for a feature stride that is 1 or a
multiple of 16, and the dtype and number of scores change the load of one number a step. All are combined in full, but
that other memory than rows at an even pitch comes with a mask, the padded address that costs most.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import product
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor

from seqpool.layout import Sequences
from seqpool.ops.triton import (
    attention,
    attention_gradients,
    deviations,
    exponentials,
    peaks,
    scored,
    scored_gradients,
    scored_tiles,
    sums,
)
from seqpool.ops.triton.language import is_fixed

FEATURES = (512, 513, 256, 128, 64, 16)
"""Wide rows, odd ones, each narrower width of whole rows that a program holds, and short ones."""
SIZES = {"many": (4096, 128), "few": (2, 16), "few long": (2, 2048)}
SHAPES = {
    **{f"{name} {features}": (*size, features) for name, size in SIZES.items() for features in FEATURES},
    "long 1024": (8, 16384, 1024),
}
"""(B, T, D): one warp a program or four, in one stage or two."""
ADDRESSES = ("padded", "mask", "time-major", "flat", "gaps", "packed")
MEMORIES = ("channels first", "cut", "odd pitch")
"""Features apart; rows shorter than their even pitch, `x[..., :510]`; and even rows at an uneven pitch. With a mask."""
LAYOUTS = (*ADDRESSES, *MEMORIES)
DTYPES = (torch.float32, torch.bfloat16, torch.float16, torch.float64)


@dataclass(frozen=True)
class Launch:
    """A kernel, what it was given by name, and its warps."""

    kernel: Any
    arguments: dict[str, Any]
    warps: int

    @property
    def name(self) -> str:
        name: str = self.kernel.__name__
        return name.removesuffix("_kernel")


@contextmanager
def recorded() -> Iterator[list[Launch]]:
    """What is launched meanwhile, instead of launching it."""
    launches: list[Launch] = []

    class Recorder:
        def __init__(self, kernel: Any) -> None:
            self.kernel = kernel

        def __getitem__(self, grid: tuple[int, ...]) -> Callable[..., None]:
            def record(*positional: Any, num_warps: int, num_stages: int, **fixed: Any) -> None:  # noqa: ARG001  # one
                named = dict(zip(self.kernel.arg_names, positional, strict=False)) | fixed
                launches.append(Launch(self.kernel, named, num_warps))

            return record

    with ExitStack() as stack:
        for module in (
            sums,
            peaks,
            attention,
            attention_gradients,
            deviations,
            exponentials,
            scored,
            scored_gradients,
        ):
            stack.enter_context(patch.object(module, "launch", Recorder))
        yield launches


def _sequences(layout: str, shape: tuple[int, int, int], dtype: torch.dtype) -> Sequences:
    batch, steps, features = shape
    with torch.device("meta"):
        n = torch.empty(batch, dtype=torch.int64)
        if layout in ("flat", "gaps", "packed"):
            values = torch.empty(batch * steps, features, dtype=dtype, requires_grad=True)
            hops = torch.empty(steps, dtype=torch.int64) if layout == "packed" else None
            return Sequences(values=values, lengths=n, count=n, start=n, hops=hops, full=layout != "gaps")
        time = 0 if layout == "time-major" else 1
        size = (steps, batch) if time == 0 else (batch, steps)
        values = _rows(layout, size, features, dtype).requires_grad_()
        keep = torch.empty(size, dtype=torch.bool) if layout in ("mask", *MEMORIES) else None
        return Sequences(values=values, lengths=n, count=n, start=n, time=time, keep=keep, full=False)


def _rows(layout: str, size: tuple[int, int], features: int, dtype: torch.dtype) -> Tensor:
    if layout == "channels first":
        return torch.empty(size[0], features, size[1], dtype=dtype).transpose(1, 2)
    if layout == "cut":
        return torch.empty(*size, features, dtype=dtype)[..., : features - 2]
    return torch.empty(*size, features + (layout == "odd pitch"), dtype=dtype)[..., :features]


REDUCTIONS = {
    "total": sums.total,
    "logsumexp": exponentials.logsumexp,
    "variation": lambda *given: torch.cat(deviations.variation(*given), 1),
}


def _run(verb: str, seq: Sequences) -> None:
    rows, wide = seq.values, torch.promote_types(seq.values.dtype, torch.float32)
    if verb == "attend":
        scores = torch.empty(*rows.shape[:-1], 4, device="meta", dtype=rows.dtype, requires_grad=True)
        pooled = attention.attend(seq, scores, rows, wide)[0]
    elif verb == "attend_by":
        query = torch.empty(seq.batch, 1, rows.shape[-1], device="meta", dtype=wide, requires_grad=True)
        if not scored_tiles.holds(rows, query, wide):
            # What the verb launches then is that of `attend`.
            return
        pooled = scored.attend_by(seq, rows, query, wide)
    elif verb in REDUCTIONS:
        pooled = REDUCTIONS[verb](seq, rows, wide)
    else:
        pooled = peaks.peak(seq, rows, verb == "largest")
    torch.autograd.grad(pooled, [seq.values], torch.empty_like(pooled))


def launches(layouts: Sequence[str] = LAYOUTS) -> Iterator[tuple[str, Launch]]:
    """Each configuration once, with the case that led to it."""
    seen = set()
    for layout in layouts:
        for (size, shape), dtype in product(SHAPES.items(), DTYPES):
            for verb in (*REDUCTIONS, "largest", "smallest", "attend", "attend_by"):
                with recorded() as found:
                    _run(verb, _sequences(layout, shape, dtype))
                for launch in found:
                    key = configuration(launch)
                    if key not in seen:
                        seen.add(key)
                        yield f"{layout} {size} {str(dtype).removeprefix('torch.')}", launch


def a_few(found: Sequence[tuple[str, Launch]]) -> list[tuple[str, Launch]]:
    """Few of these launches, in which each kernel still meets every value of every choice, if not every combination."""
    chosen, met = [], set[tuple[object, ...]]()
    choices = {id(launch): _choices(launch) for _, launch in found}
    while missing := set().union(*choices.values()) - met:
        best = max(found, key=lambda case: len(choices[id(case[1])] & missing))
        chosen.append(best)
        met |= choices[id(best[1])]
    return chosen


def _choices(launch: Launch) -> set[tuple[object, ...]]:
    return {(launch.name, place, kind) for place, kind in enumerate(configuration(launch))}


def configuration(launch: Launch) -> tuple[object, ...]:
    """What a launch is compiled for: two with the same answer share their machine code."""
    kinds = (_kind(parameter, launch.arguments[parameter.name]) for parameter in launch.kernel.params)
    return launch.name, launch.warps, *kinds


def _kind(parameter: Any, value: Any) -> object:
    if isinstance(value, Tensor):
        return value.dtype
    if is_fixed(parameter, value):
        return value
    return value >= 2**31, parameter.do_not_specialize or value % 16 == 0
