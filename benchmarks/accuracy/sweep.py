"""Every run that the table lacks, a process of one thread each, the row kept as soon as it is there."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import final

from joblib import Parallel, delayed  # type: ignore[import-untyped]  # it has no types
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from benchmarks.accuracy.alone import Failure
from benchmarks.accuracy.job import Job, run_of
from benchmarks.accuracy.rows import Point, Row, Run
from benchmarks.throughput.rows import read_table, replace, table

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
        self.rows: list[Row] = [*read_table(kind, path)] if path.exists() else []

    def add(self, rows: Sequence[Row]) -> None:
        """Put the file with a run's rows more in place of the file."""
        self.rows += rows
        self.path.parent.mkdir(parents=True, exist_ok=True)
        replace(self.path, table(self.kind, self.rows))


def missing(jobs: Sequence[Job], rows: Sequence[Row]) -> list[Job]:
    """The jobs without a row, in their order.

    Raises:
        ValueError: a job's texts cannot be loaded.
    """
    done = {run_of(row) for row in rows}
    # Hash and sizes of a dataset are the same for every seed and pooler.
    facts = {job.dataset: job.facts() for job in {job.dataset: job for job in jobs}.values()}
    return [job for job in jobs if run_of(job.cell(*facts[job.dataset])) not in done]


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
