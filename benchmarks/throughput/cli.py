"""`python -m benchmarks throughput`, `report` and `compare`: what was asked for, or one line on what is wrong in it."""

import argparse
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TypeVar, get_args

import torch
from rich.console import Console

from benchmarks.throughput.batches import LAYOUTS
from benchmarks.throughput.compare import compare, judgement
from benchmarks.throughput.devices import add_device, check_device, clock_of, copy_bandwidth, facts
from benchmarks.throughput.measure import DTYPES, Bench
from benchmarks.throughput.report import write_report
from benchmarks.throughput.rows import Results
from benchmarks.throughput.run import QUICK, Plan, open_results, run, wrong
from benchmarks.throughput.shapes import Shape
from benchmarks.throughput.subjects import SUBJECTS
from benchmarks.timing import keep_memory
from seqpool.ops import backend
from seqpool.ops.choice import Backend

RESULTS = Path(__file__).parents[1] / "results"
Item = TypeVar("Item")


def several(read: Callable[[str], Item]) -> Callable[[str], list[Item]]:
    """A list with commas between."""

    def items(text: str) -> list[Item]:
        try:
            return [read(part) for part in text.split(",")]
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return items


def one_of(kind: str, known: Sequence[str]) -> Callable[[str], str]:
    """A name out of those that are known."""

    def name(text: str) -> str:
        if text not in known:
            raise ValueError(f"the {kind}s are {', '.join(known)}; {text!r} came")
        return text

    return name


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks throughput",
        description="Time poolers on every layout beside their rivals and beside the bytes that must move.",
    )
    kinds = (("pooler", tuple(SUBJECTS)), ("layout", tuple(LAYOUTS)), ("dtype", tuple(DTYPES)))
    for kind, known in kinds:
        parser.add_argument(f"--{kind}s", type=several(one_of(kind, known)), help=f"out of {','.join(known)}")
    parser.add_argument("--shapes", type=several(Shape.parse), help="as 64x256x512,32x2048x512:geometric")
    add_device(parser)
    parser.add_argument("--backend", choices=get_args(Backend), help="of seqpool (default: what seqpool picks there)")
    parser.add_argument("--threads", type=int, default=1, help="torch threads on the CPU (default: 1)")
    parser.add_argument("--seconds", type=float, help="time for the rounds of a case and pass")
    parser.add_argument("--compiled", action=argparse.BooleanOptionalAction, help="torch.compile as well")
    parser.add_argument("--minutes", type=float, help="start no case after so many; the same command goes on later")
    parser.add_argument("--quick", action="store_true", help="a few small cases, in under two minutes")
    parser.add_argument("--save", type=Path, help="CSV to write, gone on with where it exists")
    return parser


def _check(options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    if options.threads < 1:
        parser.error(f"--threads must be at least 1, {options.threads} came")
    for name in ("seconds", "minutes"):
        value = getattr(options, name)
        if value is not None and not value > 0:
            parser.error(f"--{name} must be above 0, {value} came")
    if options.save is not None and options.save.suffix != ".csv":
        parser.error(f"--save must be named *.csv, {options.save} came")
    check_device(parser, options.device)


def throughput(argv: Sequence[str]) -> int:
    """Measure, keep and report; 1 where seqpool disagreed with the oracle, 130 after Ctrl-C."""
    parser = _parser()
    options = parser.parse_args(argv)
    _check(options, parser)
    asked = ("poolers", "layouts", "shapes", "dtypes", "seconds", "compiled")
    given = {name: value for name in asked if (value := getattr(options, name)) is not None}
    if options.minutes:
        given["deadline"] = 60 * options.minutes
    plan = replace(QUICK if options.quick else Plan(), **given)
    torch.set_num_threads(options.threads)
    device = torch.device(options.device)
    asked_for = f"-{options.backend}" if options.backend else ""
    path = options.save or RESULTS / f"throughput-{'quick-' if options.quick else ''}{device.type}{asked_for}.csv"
    with ExitStack() as stack:
        try:
            if options.backend:
                stack.enter_context(backend(options.backend))
            results = open_results(path, facts(device) | {"allocator": keep_memory()})
            results.write(path)
        except (ImportError, ValueError, OSError) as error:
            parser.error(str(error))
        clock = clock_of(device)
        bench = Bench(device, clock, copy_bandwidth(device, clock), plan.seconds, compiled=plan.compiled)
        return _measured(plan, bench, results, path)


def _measured(plan: Plan, bench: Bench, results: Results, path: Path) -> int:
    """Run, and say what is there now."""
    console, stopped, said = Console(), False, []
    try:
        left = run(plan, bench, results, path, console)
        if left:
            said.append(f"time is up, {left} cases are left: the same command goes on with them")
    except KeyboardInterrupt:
        stopped = True
        said.append("stopped: the same command goes on from here")
    said += [f"kept: {path}, {len(results.rows)} rows", f"report: {write_report(results, path)}", *wrong(results)]
    for line in said:
        console.print(line, soft_wrap=True, highlight=False, markup=False)
    return 130 if stopped else int(bool(wrong(results)))


def compare_files(argv: Sequence[str]) -> int:
    """Say what got slower beyond the noise; exit status 1 where something did."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks compare", description=compare_files.__doc__)
    parser.add_argument("before", type=Path, help="CSV that throughput wrote")
    parser.add_argument("after", type=Path, help="another one")
    options = parser.parse_args(argv)
    try:
        before, after = Results.read(options.before), Results.read(options.after)
        changes = compare(before.rows, after.rows)
    except (ValueError, OSError) as error:
        parser.error(str(error))
    print("\n".join(judgement(before, after, changes)))
    return int(any(change.slower for change in changes))
