"""What a format has to say for itself."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path

from torch import Tensor

from recipes.export.scorer import SHORTEST, Scorer

Run = Callable[[Tensor, Tensor], Tensor]
"""Ids and lengths to scores."""


class Format(ABC):
    """One way to write a scorer to a file."""

    file: str
    """Name of the file."""

    @abstractmethod
    def write(self, scorer: Scorer, path: Path) -> None:
        """Write the file."""

    @abstractmethod
    def load(self, scorer: Scorer, path: Path) -> Run:
        """Read the file, as whoever deploys it would; `scorer` is what a file of weights alone is read into."""

    def refusal(self, scorer: Scorer) -> str | None:
        """Why this format cannot be written, where that is known before it is tried."""
        return None

    def steps(self, scorer: Scorer) -> int | None:
        """The number of steps that every batch must be padded to; any number where there is none."""
        return None


def least_steps(form: Format, scorer: Scorer) -> int:
    """The steps that a batch must have at least."""
    return form.steps(scorer) or SHORTEST
