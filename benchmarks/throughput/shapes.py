"""Shapes of batches: B sequences of up to T steps of D features, and how their lengths are spread."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor


def _equal(batch: int, steps: int, _: torch.Generator) -> Tensor:
    return torch.full((batch,), steps)


def _uniform(batch: int, steps: int, generator: torch.Generator) -> Tensor:
    return torch.randint(max(1, steps // 10), steps + 1, (batch,), generator=generator)


def _geometric(batch: int, steps: int, generator: torch.Generator) -> Tensor:
    """Most sequences short: an eighth of T in the mean."""
    return torch.empty(batch).geometric_(min(1.0, 8 / steps), generator=generator).long().clamp(1, steps)


def _giant(batch: int, steps: int, generator: torch.Generator) -> Tensor:
    """One sequence of T steps among sequences of at most a sixty-fourth of that."""
    return torch.randint(1, max(1, steps // 64) + 1, (batch,), generator=generator)


SPREADS: dict[str, Callable[[int, int, torch.Generator], Tensor]] = {
    "equal": _equal,
    "uniform": _uniform,
    "geometric": _geometric,
    "giant": _giant,
}


@dataclass(frozen=True)
class Shape:
    """`(B, T, D)` and the name of a spread of lengths; written `64x256x512` or `64x256x512:uniform`."""

    batch: int
    steps: int
    features: int
    spread: str = "equal"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `str` writes.

        Raises:
            ValueError: it is no shape.
        """
        sizes, _, spread = text.partition(":")
        numbers = [int(size) if size.isdecimal() else 0 for size in sizes.split("x")]
        if len(numbers) != 3 or 0 in numbers or (spread or "equal") not in SPREADS:
            raise ValueError(
                f"a shape must be BxTxD or BxTxD:lengths, as 64x256x512:uniform, {text!r} came: "
                f"give three sizes above 0 and lengths out of {', '.join(SPREADS)}"
            )
        batch, steps, features = numbers
        return cls(batch, steps, features, spread or "equal")

    def __str__(self) -> str:
        sizes = f"{self.batch}x{self.steps}x{self.features}"
        return sizes if self.spread == "equal" else f"{sizes}:{self.spread}"

    def lengths(self) -> Tensor:
        """Steps of each sequence, seeded; one of them is T, in no place of note."""
        generator = torch.Generator().manual_seed(0)
        lengths = SPREADS[self.spread](self.batch, self.steps, generator)
        lengths[self.batch // 2] = self.steps
        return lengths


SHAPES = (
    *(Shape(*sizes) for sizes in ((64, 256, 512), (256, 128, 512), (32, 2048, 512), (512, 32, 256), (8, 16384, 1024))),
    *(Shape(32, 2048, 512, spread) for spread in SPREADS if spread != "equal"),
)
QUICK_SHAPES = (Shape(16, 32, 128), Shape(16, 128, 128), Shape(16, 128, 128, "uniform"))
