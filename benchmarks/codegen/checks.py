"""What machine code must be like for a kernel to run at the speed of memory; a model, not a measurement."""

from dataclasses import dataclass

from torch import Tensor

from benchmarks.codegen.launches import Launch
from benchmarks.codegen.listing import Listing, read
from seqpool.ops.triton.language import compile_ahead

IN_FLIGHT = 32 * 1024
"""Bytes of loads an SM must have in flight: bandwidth x latency / SMs is some 20-30 KB on an H100 or H200."""
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


def examine(case: str, launch: Launch, target: Target) -> Report:
    """Compile a launch for a target, and say what its machine code is like."""
    where = target.vendor, target.architecture, target.lanes
    listing = read(compile_ahead(launch.kernel, launch.arguments, where, launch.warps), target.vendor)
    wide = listing.wide_stores if launch.name in WRITES else listing.loop_wide
    flying = target.resident(listing, launch.warps) * target.lanes * 16 * wide
    steps, width, whole = (launch.arguments[name] for name in ("STEPS", "WIDTH", "WHOLE"))
    features = launch.arguments["features"] * whole
    instructions = listing.loop_instructions * launch.warps / steps * -(-features // width)
    faults = "; ".join(_faults(launch, target, listing, wide, flying))
    return Report(
        launch.name, case, target.name, launch.warps, listing.registers, listing.spilled, listing.shared,
        listing.loop_barriers, flying, round(instructions, 1), faults,
    )  # fmt: skip  # one line a source


def _faults(launch: Launch, target: Target, listing: Listing, wide: int, flying: int) -> list[str]:
    rows = launch.arguments["out" if launch.name in WRITES else "x"]
    bytes_a_tile = launch.arguments["STEPS"] * launch.arguments["WIDTH"] * rows.element_size()
    wanted = bytes_a_tile // (launch.warps * target.lanes * 16)
    moves = "stores" if launch.name in WRITES else "loads"
    found = []
    if listing.spilled:
        found.append(f"spills {listing.spilled} bytes")
    if _even(rows) and wide < wanted:
        found.append(f"{wide} {moves} of 16 bytes a tile, {wanted} are needed")
    if listing.loop_barriers:
        found.append(f"{listing.loop_barriers} barriers in the loop")
    if _even(rows) and flying < IN_FLIGHT:
        found.append(f"{flying} bytes in flight an SM, {IN_FLIGHT} are needed")
    return found


def _even(rows: Tensor) -> bool:
    """Whether 16 bytes divide the pitch of the rows."""
    return rows.stride(-1) == 1 and all(stride * rows.element_size() % 16 == 0 for stride in rows.stride()[:-1])
