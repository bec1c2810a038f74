"""The tiles of kernels that hold whole rows, and the shares of steps that spread them over a GPU."""

import torch
from torch import Tensor

from seqpool.ops.triton.language import KEEPS_LINES
from seqpool.ops.triton.tiles import MANY, even, power_of_2

HELD = 4096
"""Bytes of accumulators for a row, 32 registers a lane: backward holds five such lines at once."""
NARROW = 64
"""Features that whole rows have at least: fewer leave a warp too little to load."""
TILE = 512
"""Numbers of half a tile, 16 a lane: with the other half 2 KB or 4 KB of loads a warp."""
SHARE, SMALL_SHARE = 128, 32
"""Steps that one warp reads by itself, and where those are too few warps: partial sums of 32 rows cost 3% of a read."""


def holds(rows: Tensor, query: Tensor, dtype: torch.dtype) -> bool:
    """Whether a program can hold whole rows; loaded number by number, or in double precision, half as long ones.

    Features that do not lie side by side take the two-read path: a 64-bit address for each would fill the registers. So
    do several heads, whose state would. What the reference refuses is left to it: other widths, and outside autocast a
    shared query of another dtype.
    """
    if rows.stride(-1) != 1 or query.shape[-2] != 1 or not KEEPS_LINES:
        return False
    held = HELD if _grain(rows, query) > 1 and dtype.itemsize <= 4 else HELD // 2
    fits = _width(query) * dtype.itemsize <= held and NARROW <= rows.shape[-1] == query.shape[-1]
    mixed = query.ndim == 2 and rows.dtype != query.dtype
    return fits and not (mixed and not torch.is_autocast_enabled(rows.device.type))


def share_of(places: int) -> int:
    """Steps of a share, where there are so many places for rows."""
    return SHARE if places >= MANY * SHARE else SMALL_SHARE


def row_tile(rows: Tensor, query: Tensor) -> dict[str, int]:
    """What a kernel on whole rows is compiled for: one warp, so that no sum over a row waits for another."""
    grain, part = _grain(rows, query), max(1, TILE // _width(query))
    return {
        "PART": part, "STEPS": 2 * part, "WIDTH": _width(query), "GRAIN": grain, "WHOLE": grain,
        "num_warps": 1, "num_stages": 1,
    }  # fmt: skip  # a list


def gradient_tile(rows: Tensor, query: Tensor, time: int) -> dict[str, int]:
    """The same for a kernel that holds cotangents and the query's gradient as well."""
    shape = row_tile(rows, query)
    if shape["GRAIN"] == 1:
        # Addresses take the room of three quarters.
        part = max(1, shape["PART"] // 2)
        return shape | {"PART": part, "STEPS": part}
    # One half of 4-byte numbers in padded tensors, where two spill and one is 2 KB of loads a warp.
    one = rows.element_size() >= 4 and time != -1
    return shape | {"STEPS": shape["PART"] if one else shape["STEPS"]}


def query_stride(query: Tensor, whole: int) -> int:
    """From one sequence's query to the next, in wholes; 0 where all share one."""
    return query.stride(0) // whole if query.ndim == 3 else 0


def _grain(rows: Tensor, query: Tensor) -> int:
    """Numbers of a 16-byte load, where it fits both the rows and the gradients, whose pitch is their width; else 1."""
    load = 16 // rows.element_size()
    return load if even(rows) and query.shape[-1] % load == 0 else 1


def _width(query: Tensor) -> int:
    return power_of_2(query.shape[-1])
