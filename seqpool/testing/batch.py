"""The batch that a check is made on, and the batches that should give the same result."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, final

import torch
import torch.nn.functional as F
from torch import Tensor

from seqpool.layout import Integers

Side = Literal["right", "left"]
Step = slice | int


@final
@dataclass(frozen=True, kw_only=True)
class Batch:
    """Padded sequences, `(B, T, ...)`, with their lengths and the side that the padding is on."""

    x: Tensor
    lengths: Tensor
    side: Side = "right"

    @property
    def steps(self) -> int:
        """T, the number of padded steps."""
        return self.x.shape[1]

    def mask(self) -> Tensor:
        """Which steps are real, `(B, T)`."""
        step = torch.arange(self.steps, device=self.x.device)
        lengths = self.lengths.to(self.x.device).unsqueeze(1)
        return step < lengths if self.side == "right" else step >= self.steps - lengths

    def take(self, rows: Sequence[int]) -> "Batch":
        """The sequences at `rows`, as wide as before."""
        return replace(self, x=self.x[list(rows)], lengths=self.lengths[list(rows)])

    def resized(self, steps: int) -> "Batch":
        """The same sequences with more or less padding on the right."""
        width = [0, 0] * (self.x.dim() - 2) + [0, steps - self.steps]
        return replace(self, x=F.pad(self.x, width))

    def turned(self) -> "Batch":
        """The same sequences with the padding on the left."""
        rows = [row.roll(self.steps - n, 0) for row, n in zip(self.x, self.lengths.tolist(), strict=True)]
        return replace(self, x=torch.stack(rows), side="left")

    def emptied(self, rows: Sequence[int]) -> "Batch":
        """The same batch with no real step left in `rows`."""
        lengths = self.lengths.clone()
        lengths[list(rows)] = 0
        return replace(self, lengths=lengths)

    def filled(self, content: Tensor, steps: Step = slice(None)) -> "Batch":
        """The same sequences with `content`, shaped like `x`, in the padding, at `steps` of the time axis alone."""
        chosen = torch.zeros_like(self.mask())
        chosen[:, steps] = True
        padding = (~self.mask() & chosen).reshape(*chosen.shape, *[1] * (self.x.dim() - 2))
        return replace(self, x=torch.where(padding, content, self.x))

    def describe(self, row: int) -> str:
        """One sequence, for a message."""
        return f"row {row} (length {int(self.lengths[row])} of {self.steps})"


def batch(x: object, lengths: Integers) -> Batch:
    """The caller's batch, refused where nothing can be learned from it."""
    if not isinstance(x, Tensor) or x.dim() < 2:
        came = f"shape {tuple(x.shape)}" if isinstance(x, Tensor) else f"a {type(x).__name__}"
        raise ValueError(f"x must be a padded Tensor (B, T, ...), {came} came: a wrapper can transpose or pack it")
    if x.is_complex() or x.dtype == torch.bool:
        raise TypeError(f"x must be floating-point features or integer ids, {x.dtype} came: convert it")
    counts = torch.as_tensor(lengths)
    if counts.is_floating_point() or counts.dtype == torch.bool or counts.shape != x.shape[:1]:
        raise ValueError(
            f"lengths must be {x.shape[0]} whole numbers, {counts.dtype} of shape {tuple(counts.shape)} came: "
            "give one number of real steps a row of x"
        )
    if 0 in x.shape[:2] or not (int(counts.min()) >= 0 and 0 < int(counts.max()) <= x.shape[1]):
        raise ValueError(
            f"lengths must be between 0 and T={x.shape[1]}, with at least one real step, {counts.tolist()} came: "
            "x is (B, T, ...), right-padded"
        )
    return Batch(x=x.detach(), lengths=counts)


def contents(one: Batch, padding: Sequence[float]) -> Iterator[tuple[str, Tensor]]:
    """What to put in the padding, with its name: real steps of the batch, and whatever the caller adds."""
    generator = torch.Generator().manual_seed(0)
    real = one.x[one.mask()]
    for value in padding:
        yield f"{value}", torch.full_like(one.x, value)
    if one.x.is_floating_point():
        # Large, so that a small weight on padding shows; of both signs, for maxima and minima.
        drawn = real[torch.randint(len(real), one.x.shape[:2], generator=generator).to(one.x.device)]
        noise = torch.randn(one.x.shape, generator=generator, dtype=torch.float64).to(one.x)
        yield "100 times other steps", 100 * (drawn + noise)
        yield "-100 times other steps", -100 * (drawn + noise)
        return
    ids = torch.unique(real)
    if len(ids) < 2:
        raise ValueError(f"x must hold two different ids among its real steps, {ids.tolist()} came: add a sequence")
    # Every padding step gets an id other than its own, from those the model knows.
    place = torch.bucketize(one.x, ids).clamp(max=len(ids) - 1)
    for shift in (1, len(ids) - 1):
        yield "other ids", ids[(place + shift) % len(ids)]
