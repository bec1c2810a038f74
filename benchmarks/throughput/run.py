"""A run: cases in order, each kept in the file as soon as it is measured, so that stopping loses one at most."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from benchmarks.throughput.batches import LAYOUTS
from benchmarks.throughput.measure import COMPILED, DTYPES, OURS, Bench, Outcome, measure
from benchmarks.throughput.rows import Case, LeftOut, Results, Row
from benchmarks.throughput.shapes import QUICK_SHAPES, SHAPES, Shape
from benchmarks.throughput.subjects import SUBJECTS


@dataclass(frozen=True)
class Plan:
    """What to measure."""

    poolers: Sequence[str] = tuple(SUBJECTS)
    layouts: Sequence[str] = tuple(LAYOUTS)
    shapes: Sequence[Shape] = SHAPES
    dtypes: Sequence[str] = tuple(DTYPES)
    seconds: float = 2.0
    compiled: bool = True
    deadline: float = float("inf")

    def cases(self) -> list[Case]:
        """Every combination; those of a shape follow one another."""
        chosen = product(self.shapes, self.dtypes, self.poolers, self.layouts)
        return [Case(pooler, layout, str(shape), dtype) for shape, dtype, pooler, layout in chosen]


QUICK = Plan(
    ("mean", "max", "last", "attention"), ("padded", "packed", "flat"), QUICK_SHAPES, ("float32",), 0.3, False, 75.0
)
"""Ends in under two minutes: no case is started after its deadline, in seconds."""


def open_results(path: Path, facts: dict[str, str]) -> Results:
    """The file's own results, to be gone on with, or new ones.

    Raises:
        ValueError: the file is of another machine or of other versions, or none of ours.
    """
    if not path.exists():
        return Results(facts)
    held = Results.read(path)
    same_facts(path, held.facts, facts)
    return held


def same_facts(path: Path, before: Mapping[str, str], now: Mapping[str, str]) -> None:
    """Refuse to go on with a file of another machine or of other versions.

    Raises:
        ValueError: it is one.
    """
    for name in sorted(now.keys() | before.keys()):
        if now.get(name) != before.get(name):
            raise ValueError(
                f"{path} holds a run where {name} was {before.get(name)!r}, here it is {now.get(name)!r}: "
                "numbers of both cannot stand in one table; give --save another name, or remove the file"
            )


def run(
    plan: Plan,
    bench: Bench,
    results: Results,
    path: Path,
    console: Console,
    measure_case: Callable[[Case, Bench], Outcome] = measure,
) -> int:
    """Measure what the results lack; gives the number of cases that the deadline left over.

    A case that was measured without its compiled forms is measured anew, whole, where they are asked for.
    """
    done = set(results.finished)
    if plan.compiled:
        entries: list[Row | LeftOut] = [*results.rows, *results.left_out]
        done &= {entry.case for entry in entries if entry.contender == COMPILED}
    missing = [case for case in plan.cases() if case not in done]
    stop = time.monotonic() + plan.deadline
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, TimeRemainingColumn(), console=console) as progress:
        bar = progress.add_task("measuring", total=len(missing))
        for number, case in enumerate(missing):
            if time.monotonic() > stop:
                return len(missing) - number
            progress.update(bar, description=str(case))
            outcome = measure_case(case, bench)
            results.put(case, outcome.rows, outcome.left_out)
            results.write(path)
            progress.advance(bar)
    return 0


def wrong(results: Results) -> list[str]:
    """Where seqpool itself gave no right answer."""
    return [
        f"{entry.contender}: {entry.pooler}, {entry.layout}, {entry.shape}, {entry.dtype}, {entry.passes}: "
        f"{entry.reason}"
        for entry in results.left_out
        if entry.contender.startswith(OURS)
    ]
