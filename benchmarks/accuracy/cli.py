"""`python -m benchmarks accuracy`: what was asked for, or one line on what is wrong in it."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import fields

from rich.console import Console
from rich.progress import track

from benchmarks.accuracy.alone import measure_alone
from benchmarks.accuracy.budget import Cost, costs, shown
from benchmarks.accuracy.job import Job
from benchmarks.accuracy.plan import Plan
from benchmarks.accuracy.study import STUDIES
from benchmarks.accuracy.sweep import Table, distinct, facts, missing, sweep
from benchmarks.accuracy.workers import dask, loky
from benchmarks.throughput.rows import replace, table
from recipes.gate import OneLineParser, bad_input
from recipes.quiet import quiet_warnings


def accuracy(argv: Sequence[str]) -> int:
    """Train, test and keep; 1 where a run failed, 130 after Ctrl-C."""
    quiet_warnings()
    console = Console()
    with ExitStack() as stack:
        with bad_input():
            plan = _read(argv)
            jobs = _jobs(plan, console)
            if plan.budget:
                return _budget(jobs, plan, console)
            known = facts(jobs)
            jobs = distinct(jobs, known)
            kept = Table(plan.path, STUDIES[plan.study].row)
            left = missing(jobs, known, kept.rows)
            stack.enter_context(dask(plan.scheduler, plan.jobs) if plan.backend == "dask" else loky(plan.jobs))
        console.print(f"{len(jobs)} runs asked for, {len(jobs) - len(left)} of them are in {plan.path}", soft_wrap=True)
        try:
            failures = sweep(left, kept, console, measure_alone)
        except KeyboardInterrupt:
            console.print("stopped: the same command goes on from here")
            return 130
    for failure in failures:
        console.print(f"failed: {failure.job}: {failure.reason}", soft_wrap=True, highlight=False, markup=False)
    return 1 if failures else 0


def _read(argv: Sequence[str]) -> Plan:
    parser = OneLineParser(
        prog="python -m benchmarks accuracy",
        description="Train and test poolers over seeds; the same command goes on where it stopped.",
    )
    parser.add_class_arguments(Plan)
    given = parser.parse_args(list(argv))
    return Plan(**{field.name: given[field.name] for field in fields(Plan)})


def _budget(jobs: Sequence[Job], plan: Plan, console: Console) -> int:
    rows = list(track(costs(jobs), description="measuring some steps of each cell", console=console))
    path = plan.path.with_name(f"{plan.path.stem}-budget.csv")
    path.parent.mkdir(parents=True, exist_ok=True)
    replace(path, table(Cost, rows))
    console.print(shown(rows))
    return 0


def _jobs(plan: Plan, console: Console) -> list[Job]:
    poolers, reasons = plan.fitting()
    for name, reason in reasons.items():
        console.print(f"left out, {name}: {reason}", soft_wrap=True, highlight=False, markup=False)
    return plan.runs(poolers)
