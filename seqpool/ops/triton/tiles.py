"""The few configurations that kernels run in, by reason rather than by trial: no first call tunes anything."""

from typing import NamedTuple

ROW_BYTES = 256
"""Bytes of a row that a tile holds: 16 lanes of 16 bytes, two whole 128-byte lines of the cache."""
LOADS = 4
"""Independent 16-byte loads a lane: 2 KB a warp in flight, so that 16 resident warps give the 32 KB an SM needs."""
MANY = 2048
"""Programs that fill a large GPU with one warp each: some 16 warps on each of 132 SMs."""


class Tile(NamedTuple):
    """Steps and features of a tile, and the warps that share it."""

    steps: int
    width: int
    warps: int


def tile(features: int, bytes_each: int, programs: int) -> Tile:
    """The tile for rows of `features`, where the grid has `programs` times the tiles that cover a row.

    One warp a program where there are many: its lanes never wait for another warp. Four where there are few.
    """
    width = min(ROW_BYTES // bytes_each, power_of_2(features))
    warps = 1 if programs * -(-features // width) >= MANY else 4
    return Tile(warps * 32 * LOADS * 16 // ROW_BYTES, width, warps)


def power_of_2(number: int) -> int:
    """The least power of 2 that is not below `number`."""
    return 1 << (number - 1).bit_length()
