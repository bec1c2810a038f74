"""Run by itself, with compiled kernels: machine code that breaks a rule, and what the checks say of it, a line each."""

import sys
from collections.abc import Iterator
from dataclasses import replace

from benchmarks.codegen.checks import TARGETS, examine
from benchmarks.codegen.launches import launches

BREACHES: dict[str, tuple[dict[str, int], int | None]] = {
    "nothing": ({}, None),
    "spill": ({"STEPS": 128}, 1),
    "two bytes": ({"GRAIN": 1}, None),  # as if nobody knew that 16 bytes divide the pitch
}
"""Changes to a launch that is sound, and its warps."""


def report() -> Iterator[str]:
    """Breach, target and faults."""
    launch = next(launch for case, launch in launches(["padded"]) if launch.name == "total" and "bfloat16" in case)
    for name, (changes, warps) in BREACHES.items():
        planted = replace(launch, arguments=launch.arguments | changes, warps=warps or launch.warps)
        for target in [target for target in TARGETS if target.name in ("sm_90", "gfx942")]:
            yield f"{name}|{target.name}|{examine(name, planted, target).faults}"


if __name__ == "__main__":
    sys.stdout.writelines(f"{line}\n" for line in report())
