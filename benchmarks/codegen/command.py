"""`python -m benchmarks codegen`: compile every kernel for every target, and print what its machine code says."""

import argparse
import csv
import dataclasses
import importlib.metadata
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

RESULT = Path(__file__).parents[1] / "results" / "codegen.csv"
AT_ONCE = 32
"""Launches compiled between two steps of the progress bar."""
TRITON_NEEDED = "python -m benchmarks codegen needs Triton, none is installed: pip install 'triton>=3.6'"


def main(argv: Sequence[str]) -> int:
    """Print the table and keep it as CSV; exit status 1 when a kernel breaks a rule."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks codegen", description=__doc__)
    parser.add_argument("--csv", type=Path, default=RESULT, help="where the table is kept (default: %(default)s)")
    parser.add_argument("--layouts", nargs="+", help="layouts to look at (default: all)")
    parser.add_argument("--quick", action="store_true", help="every choice once instead of every combination")
    parser.add_argument("--targets", nargs="+", help="sm_80, sm_90, sm_100, gfx942 (default: all)")
    arguments = parser.parse_args(argv)
    if importlib.util.find_spec("triton") is None:
        parser.error(TRITON_NEEDED)
    reports = _examine(parser, arguments)
    _print(reports)
    with arguments.csv.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["triton", *(field.name for field in dataclasses.fields(reports[0]))])
        writer.writerows([_version(), *dataclasses.astuple(report)] for report in reports)
    return int(any(report.faults for report in reports))


def _version() -> str:
    return importlib.metadata.version("triton")


def _examine(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> list[Any]:
    from rich.progress import track

    from benchmarks.codegen.checks import TARGETS, examine
    from benchmarks.codegen.launches import LAYOUTS, a_few, launches

    names = [target.name for target in TARGETS]
    for name, known in (("layouts", LAYOUTS), ("targets", names)):
        unknown = set(getattr(arguments, name) or ()) - set(known)
        if unknown:
            parser.error(f"--{name}: unknown {', '.join(sorted(unknown))}; choose from {', '.join(known)}")
    targets = [target for target in TARGETS if target.name in (arguments.targets or names)]
    found = list(launches(arguments.layouts or LAYOUTS))
    found = a_few(found) if arguments.quick else found
    reports: list[Any] = []
    for first in track(range(0, len(found), AT_ONCE), description="compiling"):
        by_target = [examine(found[first : first + AT_ONCE], target) for target in targets]
        reports += (report for of_launch in zip(*by_target, strict=True) for report in of_launch)
    return reports


def _print(reports: Sequence[Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"A model read off machine code, not a measurement (Triton {_version()})")
    for field in dataclasses.fields(reports[0]):
        table.add_column(field.name.replace("_", " "))
    for report in reports:
        table.add_row(*map(str, dataclasses.astuple(report)))
    Console(width=200).print(table)
