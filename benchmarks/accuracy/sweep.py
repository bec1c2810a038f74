"""Every run that the table lacks, a process of one thread each, the row kept as soon as it is there."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import final

from joblib import Parallel, delayed  # type: ignore[import-untyped]  # it has no types
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from benchmarks.accuracy.alone import Failure, measure_alone
from benchmarks.accuracy.job import Job
from benchmarks.accuracy.rows import Run
from benchmarks.throughput.rows import read_table, replace, table

Measure = Callable[[Job], Run | Failure]


@final
class Table:
    """The file of runs: what it holds, and one row more at a time.

    Args:
        path: A CSV, made with the first row where there is none.

    Raises:
        ValueError: the file holds something else.
        OSError: it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.runs: list[Run] = read_table(Run, path) if path.exists() else []

    def add(self, run: Run) -> None:
        """Put the file with one row more in place of the file."""
        self.runs.append(run)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        replace(self.path, table(Run, self.runs))


def missing(jobs: Sequence[Job], runs: Sequence[Run]) -> list[Job]:
    """The jobs without a row, in their order.

    Raises:
        ValueError: a job's texts cannot be loaded.
    """
    done = {run.key for run in runs}
    # Hash and sizes of a dataset are the same for every seed and pooler.
    corpora = {job.dataset: job for job in jobs}
    facts = {name: job.facts() for name, job in corpora.items()}
    return [job for job in jobs if job.key(*facts[job.dataset]) not in done]


def sweep(jobs: Sequence[Job], kept: Table, console: Console, measure: Measure = measure_alone) -> list[Failure]:
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
                progress.update(bar, description=f"{result.dataset}, {result.pooler}, seed {result.seed}")
            progress.advance(bar)
    return failures
