"""The report of a file of results, as Markdown, with plots where matplotlib is installed."""

from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path

from benchmarks.throughput.measure import COMPILED, OURS
from benchmarks.throughput.rows import Results, Row, read_table, replace
from benchmarks.throughput.targets import TARGETS, TRAINING, Cell, Reason, against, read_reasons, said_of, trained
from benchmarks.throughput.training import TrainingRow

RESULTS = Path(__file__).parents[1] / "results"

HOW = """Each contender runs once a round, in turn; times are the median [20th, 80th percentile] of the rounds. A number
stands here only if output and gradients agreed with the definition in float64 in the same run. The limit is the time
in which the device, by its copy bandwidth measured in the same run, moves the bytes that no way of computing the result
can spare: the real steps read once and the result written; for backward, the result's gradient read, the gradient of
every stored row written, padding included, and the steps read again where the gradient depends on them. A share above 1
is a batch that fits a cache. Rivals: their time over seqpool's, round by round; below 1 the rival is faster."""


def write_report(results: Results, path: Path) -> Path:
    """Write the report beside the results; gives its path."""
    target = path.with_suffix(".md")
    pictures = _pictures(results.rows, path)
    missed = misses(results, path.parent)
    lines = [*_head(results), *pictures, *_tables(results.rows), *missed, *_left(results)]
    replace(target, "\n".join(lines) + "\n")
    return target


def _head(results: Results) -> Iterator[str]:
    yield from ("# Throughput", "", HOW, "")
    yield from (f"- {name}: {value}" for name, value in results.facts.items())
    speeds = sorted({row.copy_gb_per_s for row in results.rows})
    if speeds:
        yield f"- copy bandwidth: {speeds[0]:.1f}" + (f" to {speeds[-1]:.1f}" if speeds[1:] else "") + " GB/s"
    if results.facts["device"] == "cpu":
        yield "- GPU: not measured"
    yield ""


def _pictures(rows: Sequence[Row], path: Path) -> list[str]:
    if not rows:
        return []
    if not find_spec("matplotlib"):
        return ["Plots need matplotlib, which was not installed.", ""]
    from benchmarks.throughput.plots import draw

    return [f"![{title}]({picture.name})\n" for title, picture in draw(rows, path).items()]


def _tables(rows: Sequence[Row]) -> Iterator[str]:
    def group(row: Row) -> tuple[str, str, str]:
        return row.shape, row.dtype, row.passes

    for (shape, dtype, passes), found in groupby(sorted(rows, key=group), group):
        yield from (
            f"## {shape}, {dtype}, {passes}",
            "",
            "| pooler | layout | ms | compiled ms | GB/s | of the limit | peak MB | rivals |",
            "|---|---|---|---|---|---|---|---|",
        )
        for _, cell in groupby(found, lambda row: row.case):
            yield _line({row.contender: row for row in cell})
        yield ""


def _line(cell: dict[str, Row]) -> str:
    """One cell: ours, and every rival's ratio, the fastest first."""
    ours, fused = cell.pop(OURS), cell.pop(COMPILED, None)
    rivals = "; ".join(against(row) for row in sorted(cell.values(), key=lambda row: row.ratio))
    numbers = (
        ours.pooler, ours.layout, _ms(ours), _ms(fused) if fused else "-", f"{ours.gb_per_s:.3g}",
        f"{ours.share_of_limit:.2f}", f"{ours.peak_mb:.3g}", rivals or "-",
    )  # fmt: skip  # a table
    return f"| {' | '.join(numbers)} |"


def _ms(row: Row) -> str:
    return f"{row.median_ms:.3f} [{row.p20_ms:.3f}, {row.p80_ms:.3f}]"


def misses(results: Results, folder: Path = RESULTS) -> Iterator[str]:
    """Each target with its cells that miss it; reasons, and the rows of `training`, lie in the folder."""
    device = results.facts["device"]
    reasons = read_reasons(folder / "reasons.csv")
    held = [(target.text, list(target.cells(results.rows))) for target in TARGETS if target.device == device]
    if device == "cpu":
        path = folder / f"training-{device}.csv"
        held.append((TRAINING, list(trained(read_table(TrainingRow, path) if path.exists() else []))))
    for text, cells in held:
        yield from target_lines(text, cells, device, reasons)


def target_lines(text: str, cells: Sequence[Cell], device: str, reasons: Sequence[Reason]) -> Iterator[str]:
    """One target."""
    kept = sum(cell.kept for cell in cells)
    yield from (f"## Target: {text}: " + (f"kept in {kept} of {len(cells)}" if cells else "not measured"), "")
    if kept < len(cells):
        yield from (*(said_of(cell, device, reasons) for cell in cells if not cell.kept), "")


def _left(results: Results) -> Iterator[str]:
    """Contenders without a number, those of one reason together."""
    yield from (f"## Without a number: {len(results.left_out)}", "")
    grouped: dict[tuple[str, str], list[str]] = {}
    for entry in results.left_out:
        where = f"{entry.pooler}, {entry.layout}, {entry.shape}, {entry.dtype}, {entry.passes}"
        grouped.setdefault((entry.contender, entry.reason), []).append(where)
    for (contender, reason), places in grouped.items():
        more = f" and {len(places) - 1} more" if places[1:] else ""
        yield f"- {contender}: {reason} ({places[0]}{more})"
