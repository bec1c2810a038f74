"""What every run starts with, and how its rows begin and end."""

import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, final

import torch
from torch import Tensor

from benchmarks.accuracy.bands import count, written
from benchmarks.accuracy.job import Job
from benchmarks.accuracy.peak import peak_mb
from benchmarks.accuracy.rows import Point, Run, signature
from recipes.data.module import TextData
from recipes.model import metrics
from recipes.quiet import quiet_logs, quiet_warnings


@final
@dataclass(frozen=True)
class Session:
    """A job, its texts, and when it began."""

    job: Job
    data: TextData
    began: float

    def run(self, *forms: str, **found: Any) -> Run:
        """A row of the trained model, pooled or fed as `forms` say."""
        return Run(
            **self._cell(forms),
            seconds=time.perf_counter() - self.began,
            peak_mb=peak_mb(),
            **found,
            **signature(),
        )

    def curve(self, measure: str, values: Iterable[float], *, step: int, texts: int) -> list[Point]:
        """A row for each tenth of the texts."""
        cell, signed = self._cell(()), signature()
        return [
            Point(**cell, step=step, measure=measure, position=str(place), value=value, texts=texts, **signed)
            for place, value in enumerate(values)
        ]

    def number(self, measure: str, value: float, *, step: int, texts: int) -> Point:
        """A row of one number, at no position."""
        cell = self._cell(())
        return Point(**cell, step=step, measure=measure, position="", value=value, texts=texts, **signature())

    def _cell(self, forms: Iterable[str]) -> dict[str, Any]:
        cell = asdict(self.job.cell(self.data.corpus.content, len(self.data.corpus.splits["train"])))
        cell["variant"] = "; ".join(filter(None, (cell["variant"], *forms)))
        return cell


def start(job: Job) -> Session:
    """Load a job's texts; one thread, and no talk of libraries."""
    torch.set_num_threads(1)
    quiet_warnings()
    quiet_logs()
    began = time.perf_counter()
    return Session(job, job.data(), began)


def judged(predicted: Tensor, labels: Tensor, lengths: Iterable[int], classes: int) -> dict[str, Any]:
    """How good answers are."""
    values = metrics(classes)(predicted, labels)
    return {
        "accuracy": float(values["accuracy"]),
        "macro_f1": float(values["macro_f1"]),
        "correct_by_length": written(count(lengths, (predicted == labels).tolist())),
    }
