"""`python -m benchmarks report`: REPORT.md with its plots, and the page, from the raw results alone."""

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.evidence import (
    accuracy,
    accuracy_report,
    accuracy_section,
    codegen,
    costs,
    other,
    points,
    runs,
    throughput,
)
from benchmarks.evidence.grids import Grid, of_cells
from benchmarks.evidence.markdown import Plots
from benchmarks.evidence.raw import Raw, of_kind, read_all
from benchmarks.evidence.section import Section
from benchmarks.throughput.report import write_report
from benchmarks.throughput.rows import Results
from benchmarks.throughput.training_command import Held
from recipes.whole import whole_file

BENCHMARKS = Path(__file__).parents[1]
NEEDED = "python -m benchmarks report needs {}, which is not installed: pip install 'seqpool[benchmarks]'"
HEAD = """# The evidence

Written by `python -m benchmarks report` from the raw results in [results](results) alone. The same command builds a
page with every number linked to its raw rows: `build/report.html`.
"""


@dataclass(frozen=True)
class Evidence:
    """All that was read."""

    files: Sequence[Raw]
    runs: Sequence[runs.Run]
    cells: Sequence[accuracy.Cell]
    points: Sequence[points.Point]
    timed: Sequence[throughput.Timed]
    trained: Sequence[tuple[Held, Raw]]

    @classmethod
    def read(cls, folder: Path) -> "Evidence":
        """Read a folder of results.

        Raises:
            ValueError: a file is not what a benchmark wrote.
            OSError: it cannot be read.
        """
        files = read_all(folder)
        found, curves = runs.runs(of_kind(files, "accuracy")), points.points(of_kind(files, "points"))
        timed = throughput.read(of_kind(files, "throughput"))
        trained = [(Held.read(raw.path), raw) for raw in of_kind(files, "training")]
        return cls(files, found, accuracy.cells(found), curves, timed, trained)

    def sections(self) -> Iterator[Section]:
        """The page's sections; accuracy and throughput are always there, to say what is not run or not measured."""
        yield accuracy_section.section(self.cells)
        yield from costs.sections(self.runs)
        yield from points.sections(self.points)
        yield throughput.section(self.timed)
        yield from codegen.sections(of_kind(self.files, "codegen"))
        yield from other.sections(self._as_they_are())

    def report(self, plots: Callable[[Sequence[accuracy.Cell], Sequence[Grid]], Plots]) -> Iterator[str]:
        """The lines of REPORT.md; `plots` draws cells and grids."""
        grids, curves = [*of_cells(self.cells), *costs.grids(self.runs)], list(points.grids(self.points))
        yield HEAD
        studies = {grid.study for grid in curves}
        drawn = plots(self.cells, grids)
        yield from accuracy_report.report(of_kind(self.files, "accuracy"), self.cells, grids, drawn, studies)
        yield from points.report(of_kind(self.files, "points"), curves, plots((), curves))
        yield from throughput.report(self.timed)
        yield from codegen.report(of_kind(self.files, "codegen"))
        yield from other.report(self._as_they_are())

    def _as_they_are(self) -> list[Raw]:
        return [*of_kind(self.files, "other"), *of_kind(self.files, "training")]


def write(folder: Path, beside: Path) -> list[Path]:
    """Write everything; gives the report and the page.

    Raises:
        ValueError: a file is not what a benchmark wrote.
        OSError: one cannot be read or written.
    """
    from benchmarks.evidence.page import page
    from benchmarks.evidence.plots import draw

    evidence = Evidence.read(folder)
    for timed in evidence.timed:
        write_report(timed.results, timed.raw.path)
    for held, raw in evidence.trained:
        held.write_report(raw.path)
    targets = {
        beside / "REPORT.md": "\n".join(evidence.report(partial(draw, folder=beside / "plots"))).rstrip() + "\n",
        beside / "build" / "report.html": page(list(evidence.sections()), evidence.files),
    }
    for target, text in targets.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(target) as part:
            part.write_text(text, "utf-8")
    return list(targets)


def main(argv: Sequence[str]) -> int:
    """Write REPORT.md, its plots and the page from all raw results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks report", description=main.__doc__)
    parser.add_argument(
        "results", type=Path, nargs="?", default=BENCHMARKS / "results",
        help="the folder of raw results, the report beside it (default: benchmarks/results); or one CSV that "
        "throughput wrote, for that file's own report",
    )  # fmt: skip  # a table
    results = parser.parse_args(argv).results
    try:
        if results.suffix == ".csv":
            written = [write_report(Results.read(results), results)]
        else:
            written = write(results, results.parent)
    except ModuleNotFoundError as error:
        parser.error(NEEDED.format(error.name))
    except (ValueError, OSError) as error:
        parser.error(str(error))
    print(*written, sep="\n")
    return 0
