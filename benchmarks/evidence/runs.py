"""The raw rows of accuracy, read: what was trained, and what the test came to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.accuracy.bands import read
from benchmarks.accuracy.job import SETTINGS
from benchmarks.evidence.raw import Raw, Source


@dataclass(frozen=True, order=True)
class Setting:
    """What is the same for all poolers of one table."""

    study: str
    dataset: str
    encoder: str
    train_size: int
    variant: str
    epochs: int
    content_hash: str

    @property
    def variants(self) -> dict[str, str]:
        """What the variant says, by name."""
        parts = (part.partition("=") for part in self.variant.split("; ") if part)
        return {name: value for name, _, value in parts}

    @property
    def whole(self) -> bool:
        """Whether the row is of a trained model as it is, and not of one of its forms."""
        return self.variants.keys() <= set(SETTINGS)

    @property
    def texts(self) -> tuple[str | int | None, ...]:
        """What says which texts are read: the same for a baseline, which reads each of them whole."""
        return self.dataset, self.content_hash, self.train_size, self.variants.get("test_texts")


@dataclass(frozen=True)
class Run:
    """One raw row: a pooler trained once."""

    setting: Setting
    pooler: str
    seed: int
    source: Source
    accuracy: float
    macro_f1: float
    seconds_per_epoch: float
    peak_mb: float | None
    commit: str
    by_length: Mapping[str, tuple[int, int]]


def runs(files: Sequence[Raw]) -> list[Run]:
    """The raw rows, read.

    Raises:
        ValueError: a number is none, or a run is there twice.
    """
    found = [_run(file, number, record) for file in files for number, record in enumerate(file.records(), 1)]
    first: dict[tuple[Setting, str, int], Run] = {}
    for run in found:
        if (known := first.setdefault((run.setting, run.pooler, run.seed), run)) is not run:
            raise ValueError(f"a run counts once, {known.source} and {run.source} are the same: remove one of the rows")
    return found


def _known(text: str) -> float | None:
    """A number, or none where it was not measured."""
    return float(text) if text else None


def _run(file: Raw, number: int, record: dict[str, str]) -> Run:
    try:
        setting = Setting(
            record["study"], record["dataset"], record["encoder"], int(record["train_size"]), record["variant"],
            int(record["epochs"]), record["content_hash"],
        )  # fmt: skip  # a table
        return Run(
            setting, record["pooler"], int(record["seed"]), Source(file.name, (number,)), float(record["accuracy"]),
            float(record["macro_f1"]), float(record["seconds_per_epoch"]), _known(record["peak_mb"]),
            record["commit"], read(record["correct_by_length"]),
        )  # fmt: skip  # a table
    except ValueError as error:
        raise ValueError(f"{file.path}: row {number} cannot be read: {error}") from error
