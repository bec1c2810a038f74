"""Run by itself, with compiled kernels: machine code that breaks a rule, and what the checks say of it, a line each."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from unittest.mock import patch

from benchmarks.codegen.checks import READS, TARGETS, examine
from benchmarks.codegen.launches import Launch, launches
from seqpool.ops.triton.language import jit, tl

TARGET_NAMES = ("sm_90", "gfx942")


@jit  # type: ignore[untyped-decorator]  # Triton types the arguments at compile time
def meeting_kernel(  # type: ignore[no-untyped-def]  # as above
    out, x, lengths, along, features,
    STEPS: tl.constexpr, WIDTH: tl.constexpr, GRAIN: tl.constexpr, WHOLE: tl.constexpr,  # noqa: N803  # fixed there
):  # fmt: skip  # one line a role
    """A sum whose lanes meet at every step rather than once."""
    feature = tl.arange(0, WIDTH)
    inside = feature < features * WHOLE
    summed = tl.zeros([WIDTH], tl.float32)
    for first in range(0, tl.load(lengths), STEPS):
        offset = (first + tl.arange(0, STEPS))[:, None] * along * GRAIN + feature[None, :]
        summed += tl.sum(tl.load(x + offset, mask=inside[None, :], other=0).to(tl.float32), 0)
    tl.store(out + feature, summed, mask=inside)


def breaches() -> Iterator[tuple[str, Launch]]:
    """Changes to launches that are sound."""
    found = [launch for case, launch in launches(["padded"]) if case == "padded few 512 bfloat16"]
    total, share = (next(one for one in found if one.name == name) for name in ("total", "share_gradient"))
    yield "nothing", total
    yield "spill", _changed(total, warps=1, STEPS=128)
    # As if nobody knew that 16 bytes divide the pitch.
    yield "two bytes", _changed(total, GRAIN=1)
    yield "two bytes a gradient", _changed(share, GRAIN=1)
    yield "few bytes", _changed(total, STEPS=4)
    yield "barrier", replace(total, kernel=meeting_kernel)


def _changed(launch: Launch, *, warps: int | None = None, **numbers: int) -> Launch:
    return replace(launch, arguments=launch.arguments | numbers, warps=warps or launch.warps)


def report() -> Iterator[str]:
    """Breach, target and faults."""
    with patch.dict(READS, {"meeting": ("x",)}):
        for target in [target for target in TARGETS if target.name in TARGET_NAMES]:
            for found in examine(list(breaches()), target):
                yield f"{found.case}|{target.name}|{found.faults}"


if __name__ == "__main__":
    sys.stdout.writelines(f"{line}\n" for line in report())
