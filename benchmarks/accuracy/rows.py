"""The tables: one CSV row a tested model, or a point of a curve, with what it depends on."""

import os
import platform
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, final

from benchmarks.accuracy.bands import Bands, read
from benchmarks.timing import processor

Key = tuple[str | int, ...]


@dataclass(frozen=True, kw_only=True)
class Cell:
    """What was trained: the first columns of every table.

    `train_size` texts were trained on; `variant` says, as `name=value; name=value`, where the run differs from the
    recipe, and then which form of the trained model this row is of; `epochs` is the budget.
    """

    study: str
    dataset: str
    content_hash: str
    encoder: str
    pooler: str
    seed: int
    train_size: int
    variant: str
    epochs: int


@final
@dataclass(frozen=True, kw_only=True)
class Run(Cell):
    """One tested model, and what it cost.

    `steps` were taken of the budget; `seconds` is all of the run's process, from the data to the test. The
    first rows have no `peak_mb`: what they held was the largest of the processes before them as well.
    """

    steps: int
    accuracy: float
    macro_f1: float
    correct_by_length: str
    seconds: float
    seconds_per_epoch: float
    peak_mb: float | None
    parameters: int
    commit: str
    torch: str
    lightning: str
    machine: str
    date: str

    @property
    def by_length(self) -> Bands:
        """Right answers by band of lengths."""
        return read(self.correct_by_length)


@final
@dataclass(frozen=True, kw_only=True)
class Point(Cell):
    """One number of a trained model: `measure` after `step` steps, at the tenth `position`, as a mean over `texts`."""

    step: int
    measure: str
    position: str
    value: float
    texts: int
    commit: str
    torch: str
    lightning: str
    machine: str
    date: str


Row = Run | Point


def signature() -> dict[str, Any]:
    """The last columns of every table: versions, machine and day."""
    return {
        "commit": commit(),
        "torch": metadata.version("torch"),
        "lightning": metadata.version("lightning"),
        "machine": f"{processor()}, {os.cpu_count()} cores, one thread; Python {platform.python_version()}",
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M"),
    }


@cache
def commit() -> str:
    """The last commit of what is measured and of what measures, marked where files differ from it."""
    folders = ("seqpool", "recipes", "benchmarks/accuracy")
    last, changed = _git("log", "-1", "--format=%h", "--", *folders), _git("status", "--porcelain", "--", *folders)
    return f"{last or 'unknown'}{', changed since' if changed else ''}"


def _git(*command: str) -> str:
    """What git says of this clone; nothing outside one."""
    root = Path(__file__).parents[2]
    return subprocess.run(["git", *command], cwd=root, capture_output=True, text=True, check=False).stdout.strip()
