"""Rows of accuracy without a training."""

from functools import cache
from pathlib import Path

from benchmarks.accuracy.job import Job
from benchmarks.accuracy.rows import Row, Run
from benchmarks.accuracy.texts import texts


@cache
def facts(dataset: str) -> tuple[str, int]:
    """What a job says of a dataset, once for all tests."""
    corpus = texts(dataset, Path(), 0).corpus
    return corpus.content, len(corpus.splits["train"])


def made(job: Job) -> list[Row]:
    """A row without a training: its accuracy is the seed's."""
    return [
        Run(
            **vars(job.cell(*facts(job.dataset))), steps=1, accuracy=job.seed / 10, macro_f1=0.5,
            correct_by_length="0-10:1/2", seconds=1.0, seconds_per_epoch=1.0, peak_mb=1.0, parameters=1, commit="x",
            torch="x", lightning="x", machine="x", date="x",
        )
    ]  # fmt: skip  # a table
