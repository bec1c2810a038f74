"""The table of runs: one CSV row a run, put in place whole after every one of them."""

import os
import platform
import subprocess
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Self, final

from benchmarks.accuracy.bands import Bands, read
from benchmarks.timing import processor


@final
@dataclass(frozen=True, kw_only=True)
class Run:
    """One trained and tested model, and what it cost.

    `train_size` texts were trained on; `variant` says where the run differs from the recipe; `epochs` is the budget,
    `steps` what was taken of it; `seconds` is all of the run's process, from the data to the test.
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
    steps: int
    accuracy: float
    macro_f1: float
    correct_by_length: str
    seconds: float
    seconds_per_epoch: float
    peak_mb: float
    parameters: int
    commit: str = ""
    torch: str = ""
    lightning: str = ""
    machine: str = ""
    date: str = ""

    @property
    def key(self) -> tuple[str | int, ...]:
        """What was run; a second run of it would say the same."""
        return (
            self.study, self.dataset, self.content_hash, self.encoder, self.pooler, self.seed, self.train_size,
            self.variant, self.epochs,
        )  # fmt: skip  # one line a thought

    @property
    def by_length(self) -> Bands:
        """Right answers by band of lengths."""
        return read(self.correct_by_length)

    def signed(self) -> Self:
        """With the versions, the machine and the day."""
        return replace(
            self,
            commit=commit(),
            torch=metadata.version("torch"),
            lightning=metadata.version("lightning"),
            machine=f"{processor()}, {os.cpu_count()} cores, one thread; Python {platform.python_version()}",
            date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M"),
        )


def commit() -> str:
    """The last commit of what is measured and of what measures, marked where files differ from it."""
    folders = ("seqpool", "recipes", "benchmarks/accuracy")
    last, changed = _git("log", "-1", "--format=%h", "--", *folders), _git("status", "--porcelain", "--", *folders)
    return f"{last or 'unknown'}{', changed since' if changed else ''}"


def _git(*command: str) -> str:
    """What git says of this clone; nothing outside one."""
    root = Path(__file__).parents[2]
    return subprocess.run(["git", *command], cwd=root, capture_output=True, text=True, check=False).stdout.strip()
