"""What every run starts with, and how its rows begin and end."""

import sys
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, final

import torch
from torch import Tensor

from benchmarks.accuracy.bands import count, written
from benchmarks.accuracy.job import Job
from benchmarks.accuracy.peak import peak_mb
from benchmarks.accuracy.rows import Point, Run, signature
from recipes.data.module import TextData
from recipes.data.tokens import encode
from recipes.model import metrics
from recipes.quiet import quiet_logs, quiet_warnings


@final
@dataclass(frozen=True)
class Session:
    """A job, its texts, how many there are to train on in all, and when it began."""

    job: Job
    data: TextData
    whole: int
    began: float

    @cached_property
    def lengths(self) -> list[int]:
        """Tokens of each test text, those behind the cut as well."""
        rows = self.data.corpus.splits["test"]["text"]
        return [len(ids) for ids in encode(self.data.tokenizer, rows, max_tokens=sys.maxsize)]

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
        cell = asdict(self.job.cell(self.data.corpus.content, self.whole))
        cell["variant"] = "; ".join(filter(None, (cell["variant"], *forms)))
        return cell


def start(job: Job) -> Session:
    """Load a job's texts; one thread, and no talk of libraries."""
    torch.set_num_threads(1)
    quiet_warnings()
    quiet_logs()
    began = time.perf_counter()
    data, whole = job.data()
    return Session(job, data, whole, began)


def judged(predicted: Tensor, labels: Tensor, lengths: Iterable[int], classes: int) -> dict[str, Any]:
    """How good answers are, those to texts of some lengths as well."""
    values = metrics(classes)(predicted, labels)
    return {
        "accuracy": float(values["accuracy"]),
        "macro_f1": float(values["macro_f1"]),
        "correct_by_length": written(count(lengths, (predicted == labels).tolist())),
    }
