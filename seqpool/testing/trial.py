"""Running the model under test, and saying which row moved."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, final, get_args

import torch
from torch import Tensor, nn

from seqpool.testing.batch import Batch

Model = Callable[[Tensor, Tensor], Tensor]
Takes = Literal["lengths", "mask"]


@final
@dataclass(frozen=True, kw_only=True)
class Trial:
    """A model, what it takes beside the padded batch, and how close two results must be."""

    model: Model
    takes: Takes
    rtol: float | None
    atol: float | None

    def __post_init__(self) -> None:
        if self.takes not in get_args(Takes):
            raise ValueError(f"takes must be 'lengths' or 'mask', {self.takes!r} came: name what the model takes")
        if (self.rtol is None) != (self.atol is None):
            raise ValueError(f"rtol and atol go together, rtol={self.rtol}, atol={self.atol} came: give both or none")

    def call(self, batch: Batch) -> Tensor:
        """The model's result, `(B, ...)`, with a graph where gradients are on."""
        second = batch.lengths.clone() if self.takes == "lengths" else batch.mask()
        # cuDNN gives recurrent networks no gradient in evaluation mode; PyTorch's own kernels do.
        with torch.backends.cudnn.flags(enabled=torch.backends.cudnn.enabled and not torch.is_grad_enabled()):
            # A copy each time: a model that writes into its input must not spoil the next run.
            result = self.model(batch.x.clone(), second)
        if not isinstance(result, Tensor):
            raise TypeError(f"model must return a Tensor (B, ...), a {type(result).__name__} came: wrap the model")
        if result.dim() == 0 or result.shape[0] != len(batch.lengths):
            raise AssertionError(
                f"the model gave shape {tuple(result.shape)} for {len(batch.lengths)} sequences of lengths "
                f"{batch.lengths.tolist()}: batch and time confused (batch_first), or empty sequences dropped?"
            )
        return result

    def run(self, batch: Batch) -> Tensor:
        """The model's result without a graph."""
        with torch.no_grad():
            return self.call(batch)

    def baseline(self, batch: Batch) -> Tensor:
        """The result that the others are held against; the model must be repeatable and finite on its own batch."""
        first, again = self.run(batch), self.run(batch)
        moved = self.moved(first, again)
        if moved:
            row, by = moved[0]
            raise ValueError(
                f"the model must give one batch one result, row {row} differed by {by:.2g} between two runs: "
                "call model.eval(), dropout is on"
            )
        check_finite(batch, first, "before anything was changed")
        return first

    def moved(self, before: Tensor, after: Tensor) -> list[tuple[int, float]]:
        """Rows that are no longer the same, with the largest difference in each."""
        return [
            (row, float((old.double() - new.double()).abs().max()))
            for row, (old, new) in enumerate(zip(before, after, strict=True))
            if not self.same(old, new)
        ]

    def same(self, old: Tensor, new: Tensor) -> bool:
        """Whether two results agree within the tolerance, by default that of `torch.testing.assert_close`."""
        try:
            torch.testing.assert_close(new, old, rtol=self.rtol, atol=self.atol, equal_nan=True)
        except AssertionError:
            return False
        return True

    def scalar(self, result: Tensor) -> Tensor:
        """A fixed random combination of the result, to differentiate: a plain sum is constant after a softmax."""
        generator = torch.Generator().manual_seed(0)
        row = torch.randn(result.shape[1:], generator=generator, dtype=torch.float64)
        return (result * row.to(result)).sum()

    def parameters(self) -> list[Tensor]:
        """What the model learns, where it is a module."""
        if not isinstance(self.model, nn.Module):
            return []
        return [parameter for parameter in self.model.parameters() if parameter.requires_grad]


def check_finite(batch: Batch, result: Tensor, when: str, cause: str = "is the batch itself finite?") -> None:
    """Fail on a row that is NaN or infinite."""
    rows = (~result.isfinite()).reshape(len(result), -1).any(1).nonzero().flatten().tolist()
    if rows:
        worst = result[rows[0]][~result[rows[0]].isfinite()].flatten()[0].item()
        raise AssertionError(f"{batch.describe(rows[0])} is {worst} {when}: {cause}{others(rows)}")


def others(rows: list[int]) -> str:
    """How many further rows failed likewise."""
    return f" (and {len(rows) - 1} more rows: {rows[1:6]})" if len(rows) > 1 else ""
