"""Every run that the table lacks, a process of one thread each, the row kept as soon as it is there."""

import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import final

from joblib import Parallel, delayed  # type: ignore[import-untyped]  # it has no types
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from benchmarks.accuracy.alone import Failure
from benchmarks.accuracy.job import Job, run_of
from benchmarks.accuracy.rows import Point, Row, Run
from benchmarks.throughput.rows import read_table, replace, table

Facts = dict[str, tuple[str, int]]
"""By dataset, the hash of all its texts, and how many there are to train on."""
Measure = Callable[[Job], Sequence[Row] | Failure]


@final
class Table:
    """The file of rows: what it holds, and those of one run more at a time.

    Args:
        path: A CSV, made with the first row where there is none.
        kind: What a row is.

    Raises:
        ValueError: the file holds something else.
        OSError: it cannot be read.
    """

    def __init__(self, path: Path, kind: type[Run] | type[Point]) -> None:
        self.path, self.kind = path, kind
        self.rows: list[Row] = self._read()

    def add(self, rows: Sequence[Row]) -> None:
        """Put the file with a run's rows more in place of the file, unless another command has added that run."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with _alone(self.path.parent):
            kept = self._read()
            done = {run_of(row) for row in kept}
            self.rows = [*kept, *(row for row in rows if run_of(row) not in done)]
            replace(self.path, table(self.kind, self.rows))

    def _read(self) -> list[Row]:
        return [*read_table(self.kind, self.path)] if self.path.exists() else []


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait for other processes that change files of the folder."""
    # The folder itself, since a lock on the file goes when it is replaced.
    opened = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield
    finally:
        os.close(opened)


def facts(jobs: Sequence[Job]) -> Facts:
    """What there is to know of each dataset of the jobs, the same for every seed and pooler.

    Raises:
        ValueError: a job's texts cannot be loaded.
    """
    return {job.dataset: job.facts() for job in {job.dataset: job for job in jobs}.values()}


def distinct(jobs: Sequence[Job], known: Facts) -> list[Job]:
    """The jobs without those that would say again what the first seed says."""
    return [job for job in jobs if job.seed == 0 or not job.seedless(known[job.dataset][1])]


def missing(jobs: Sequence[Job], known: Facts, rows: Sequence[Row]) -> list[Job]:
    """The jobs without a row, in their order.

    Raises:
        ValueError: more training texts are asked for than there are.
    """
    done = {run_of(row) for row in rows}
    return [job for job in jobs if run_of(job.cell(*known[job.dataset])) not in done]


def sweep(jobs: Sequence[Job], kept: Table, console: Console, measure: Measure) -> list[Failure]:
    """Run jobs on joblib's backend; gives those that failed."""
    failures = []
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, TimeRemainingColumn(), console=console) as progress:
        bar = progress.add_task("training", total=len(jobs))
        for result in Parallel(return_as="generator_unordered")(delayed(measure)(job) for job in jobs):
            if isinstance(result, Failure):
                failures.append(result)
            else:
                kept.add(result)
                progress.update(bar, description=f"{result[0].dataset}, {result[0].pooler}, seed {result[0].seed}")
            progress.advance(bar)
    return failures
