"""The few configurations that kernels run in, by reason rather than by trial: no first call tunes anything."""

from typing import NamedTuple

from torch import Tensor

ROW_BYTES = 256
"""Bytes of a row that a tile holds: 16 lanes of 16 bytes, two whole 128-byte lines of the cache."""
LEAST_BYTES = 128
"""Bytes of a row that a tile holds at least, a line of the cache, where shorter rows leave lanes idle: a tile of more
steps than lanes would hand what it loads for each step, its place or its mask, from lane to lane behind barriers."""
LOADS = 4
"""Independent 16-byte loads a lane: 2 KB a warp in flight, so that 16 resident warps give the 32 KB an SM needs."""
MANY = 2048
"""Programs that fill a large GPU with one warp each: some 16 warps on each of 132 SMs."""
ALONE = 32
"""Numbers of a row that a tile holds where each moves by itself, by an address of its own: registers allow 8 a lane."""


class Tile(NamedTuple):
    """Steps and features of a tile, the warps that share it, and what divides strides (grain) and features (whole)."""

    steps: int
    width: int
    warps: int
    grain: int
    whole: int

    @property
    def spare(self) -> "Tile":
        """For a kernel that needs two addresses a number: half as wide where each number moves by itself."""
        return self._replace(width=max(1, self.width // 2)) if 1 in (self.grain, self.whole) else self

    @property
    def fixed(self) -> dict[str, int]:
        """What kernels are compiled for."""
        return {
            "STEPS": self.steps, "WIDTH": self.width, "GRAIN": self.grain, "WHOLE": self.whole,
            "num_warps": self.warps, "num_stages": 1,
        }  # fmt: skip  # a list


def tile(rows: Tensor, programs: int) -> Tile:
    """The tile for `rows`, where the grid has `programs` times the tiles that cover a row.

    One warp a program where there are many: its lanes never wait for another warp. Four where there are few. Short rows
    leave room for more steps. Rows whose pitch or length 16 bytes do not divide are moved number by number.
    """
    features, bytes_each = rows.shape[-1], rows.element_size()
    load = 16 // bytes_each
    grain, whole = load if even(rows) else 1, load if features % load == 0 else 1
    together = 1 not in (grain, whole)
    width = min(ROW_BYTES // bytes_each, max(LEAST_BYTES // bytes_each, power_of_2(features))) if together else ALONE
    warps = 1 if programs * -(-features // width) >= MANY else 4
    return Tile(warps * 32 * LOADS * 16 // (width * bytes_each if together else ROW_BYTES), width, warps, grain, whole)


def even(rows: Tensor) -> bool:
    """Whether 16 bytes divide the pitch of the rows, so that they can be loaded 16 bytes at a time."""
    # The pitch of a step comes first: that of a sequence is a multiple of it, and may hold a symbol for a size.
    return rows.stride(-1) == 1 and all(stride * rows.element_size() % 16 == 0 for stride in rows.stride()[-2::-1])


def power_of_2(number: int) -> int:
    """The least power of 2 that is not below `number`."""
    return 1 << (number - 1).bit_length()
