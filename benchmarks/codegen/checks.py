"""What machine code must be like for a kernel to run at the speed of memory; a model, not a measurement."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.codegen.launches import Launch
from benchmarks.codegen.listing import Listing, read
from seqpool.ops.triton.language import compile_ahead

IN_FLIGHT = 32 * 1024
"""Bytes of loads an SM must have in flight: bandwidth x latency / SMs is some 20-30 KB on an H100 or H200."""
READS = {
    "total": ("x",),
    "peak": ("x",),
    "logsumexp": ("x",),
    "variation": ("x", "x_squares"),
    "attend": ("x",),
    "attend_by": ("x",),
    "attend_by_gradient": ("x",),
    "score_gradient": ("x", "grads"),
    "row_gradient": ("grads",),
    "spread": ("vectors", "found"),
    "share_gradient": ("x", "grads", "norms"),
    "line_gradient": ("x", "levels", "slopes", "centres"),
}
"""The tensors of which each kernel reads a tile."""
WRITES = ("spread", "row_gradient", "share_gradient", "line_gradient")
"""Kernels that write a row where it lies; the others read rows in a loop over steps or features."""


@dataclass(frozen=True)
class Target:
    """A device: Triton's name for it, and what one SM (compute unit) holds."""

    vendor: str
    architecture: int | str
    lanes: int
    registers: int
    registers_a_lane: int
    warps: int
    programs: int
    shared: int

    @property
    def name(self) -> str:
        return f"sm_{self.architecture}" if self.vendor == "cuda" else str(self.architecture)

    def resident(self, listing: Listing, warps: int) -> int:
        """Warps that fit at once, in whole programs."""
        a_warp = -(-max(listing.registers, 1) // self.registers_a_lane) * self.registers_a_lane * self.lanes
        by_registers = self.registers // a_warp // warps
        by_shared = self.shared // listing.shared if listing.shared else self.programs
        return warps * min(by_registers, by_shared, self.programs, self.warps // warps)


# Registers are granted by 8 a lane. A compute unit of gfx942 has four register files of 512 a lane, 8 waves each.
TARGETS = (
    Target("cuda", 80, 32, 65536, 8, 64, 32, 164 * 1024),
    Target("cuda", 90, 32, 65536, 8, 64, 32, 228 * 1024),
    Target("cuda", 100, 32, 65536, 8, 64, 32, 228 * 1024),
    Target("hip", "gfx942", 64, 4 * 512 * 64, 8, 32, 32, 64 * 1024),
)


@dataclass(frozen=True)
class Report:
    """One kernel in one configuration on one target."""

    kernel: str
    case: str
    target: str
    warps: int
    registers: int
    spilled: int
    shared: int
    barriers_in_loop: int
    bytes_in_flight: int
    instructions_a_row: float
    faults: str


def examine(launches: Sequence[tuple[str, Launch]], target: Target) -> list[Report]:
    """Compile launches for a target, and say what their machine code is like."""
    where = target.vendor, target.architecture, target.lanes
    compiled = [compile_ahead(launch.kernel, launch.arguments, where, launch.warps) for _, launch in launches]
    listings = read(compiled, target.vendor)
    return [_report(*named, target, listing) for named, listing in zip(launches, listings, strict=True)]


def _report(case: str, launch: Launch, target: Target, listing: Listing) -> Report:
    writes = launch.name in WRITES
    steps, width, whole = (launch.arguments[name] for name in ("STEPS", "WIDTH", "WHOLE"))
    features = launch.arguments["features"] * whole
    instructions = listing.instructions if writes else listing.loop_instructions
    a_row = instructions * launch.warps / steps * -(-features // width)
    flying = _in_flight(launch, target, listing)
    faults = "; ".join(_faults(launch, target, listing, flying))
    return Report(
        launch.name, case, target.name, launch.warps, listing.registers, listing.spilled, listing.shared,
        listing.loop_barriers, flying, round(a_row, 1), faults,
    )  # fmt: skip  # one line a source


def _in_flight(launch: Launch, target: Target, listing: Listing) -> int:
    """Bytes that the warps of an SM move at once; lanes that move what others move count once."""
    moved = _written(launch) if launch.name in WRITES else _read(launch)
    wide = listing.wide_stores if launch.name in WRITES else listing.loop_wide
    a_warp = min(target.lanes * 16 * wide, sum(_tile_bytes(launch, rows) for rows in moved) // launch.warps)
    return target.resident(listing, launch.warps) * a_warp


def _faults(launch: Launch, target: Target, listing: Listing, flying: int) -> list[str]:
    found = []
    if listing.spilled:
        found.append(f"spills {listing.spilled} bytes")
    moves = [("loads", _read(launch), listing.wide if launch.name in WRITES else listing.loop_wide)]
    if launch.name in WRITES:
        moves.append(("stores", _written(launch), listing.wide_stores))
    for what, tensors, wide in moves:
        lanes = launch.warps * target.lanes
        wanted = sum(_tile_bytes(launch, rows) // (lanes * 16) for rows in tensors if _together(launch, rows))
        if wide < wanted:
            found.append(f"{wide} {what} of 16 bytes a tile, {wanted} are needed")
    if listing.loop_barriers:
        found.append(f"{listing.loop_barriers} barriers in the loop")
    if flying < IN_FLIGHT and not _argued(launch):
        found.append(f"{flying} bytes in flight an SM, {IN_FLIGHT} are needed")
    return found


def _argued(launch: Launch) -> bool:
    """Whether a launch may have less in flight.

    Rows that move number by number take registers for as many addresses, and their tile is small to leave room for
    them: it is instructions that they wait for. So does a kernel that only writes such rows' gradients, in their tile.
    An online softmax in float64 takes two registers a number of its state, and waits for exp in float64.
    """
    alone = 1 in (launch.arguments["GRAIN"], launch.arguments["WHOLE"])
    return alone or (launch.name == "attend" and launch.arguments["x"].dtype == torch.float64)


def _read(launch: Launch) -> list[Tensor]:
    tensors = (launch.arguments.get(name) for name in READS[launch.name])
    return [rows for rows in tensors if rows is not None]


def _written(launch: Launch) -> list[Tensor]:
    return [launch.arguments["out"]]


def _tile_bytes(launch: Launch, rows: Tensor) -> int:
    size: int = launch.arguments["STEPS"] * launch.arguments["WIDTH"] * rows.element_size()
    return size


def _together(launch: Launch, rows: Tensor) -> bool:
    """Whether rows can move 16 bytes at a time: 16 bytes divide their pitch, and the tile's shortest rows.

    Rows of 510 numbers of 2 bytes, 512 apart, cannot: 16 bytes at their end are not all theirs, and behind the last row
    there need be no memory. What is read beside them has their mask.
    """
    shortest = min(tensor.element_size() for tensor in (*_read(launch), *_written(launch)))
    length = launch.arguments["features"] * launch.arguments["WHOLE"] * shortest
    pitches = [stride * rows.element_size() for stride in rows.stride()[:-1]]
    return rows.stride(-1) == 1 and all(size % 16 == 0 for size in (*pitches, length))
