"""Times of poolers and rivals, as a section of the page and as lines of the report."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import median

from benchmarks.evidence.markdown import linked, plain, table
from benchmarks.evidence.raw import Raw, Source
from benchmarks.evidence.section import Choice, Column, Line, Number, Section, seen
from benchmarks.throughput.batches import LAYOUTS
from benchmarks.throughput.measure import DTYPES, OURS, PASSES
from benchmarks.throughput.report import misses
from benchmarks.throughput.rows import Results, Row
from benchmarks.throughput.shapes import SHAPES
from benchmarks.throughput.subjects import SUBJECTS

MOST = 20
"""Entries of a list; its report has them all."""
DEVICES = ("cpu", "cuda")
ABSENT = "not measured"
COLUMNS = (
    *(Column(name, text=True) for name in ("device", "layout", "shape", "dtype", "pass", "pooler", "contender")),
    Column("ms"), Column("GB/s"), Column("share of the limit", digits=2), Column("time over seqpool's", digits=2),
    Column("peak MB"), Column("why none", text=True),
)  # fmt: skip  # a table
NOTE = (
    "Median and 20th to 80th percentile of the rounds; the limit is the time in which the device moves the bytes that "
    "no way of computing the result can spare. Shapes are sequences x steps x features, and how lengths are spread."
)


@dataclass(frozen=True)
class Timed:
    """A file of times: its raw rows, and what they say."""

    raw: Raw
    results: Results

    @property
    def device(self) -> str:
        """The device, and the file where that is not the device's own."""
        device = self.results.facts["device"]
        return device if self.raw.name == f"throughput-{device}" else f"{device}, {self.raw.name}"


def read(files: Sequence[Raw]) -> list[Timed]:
    """The files with the JSON beside them.

    Raises:
        ValueError: one is not as `python -m benchmarks throughput` wrote it.
    """
    return [Timed(file, Results.read(file.path)) for file in files]


def section(files: Sequence[Timed]) -> Section:
    """Every contender of every case, measured or not."""
    lines = [line for file in files for line in (*_measured(file), *_left_out(file))]
    lines += _missing(lines)
    planned = (DEVICES, tuple(LAYOUTS), tuple(map(str, SHAPES)), tuple(DTYPES), PASSES, tuple(SUBJECTS))
    choices = []
    for column, values in enumerate(planned):
        found = seen(lines, column)
        first = "" if column == 5 else (found or values)[0]
        choices.append(Choice(column, list(dict.fromkeys((*values, *found))), first))
    return Section(
        "throughput", "Throughput", COLUMNS, lines, choices, (5, 6), 7, ABSENT, lower_is_better=True, notes=(NOTE,)
    )


def _measured(file: Timed) -> Iterator[Line]:
    numbers = {
        tuple(record[name] for name in ("pooler", "layout", "shape", "dtype", "passes", "contender")): number
        for number, record in enumerate(file.raw.records(), 1)
    }
    for row in file.results.rows:
        source = Source(
            file.raw.name, (numbers[row.pooler, row.layout, row.shape, row.dtype, row.passes, row.contender],)
        )
        yield (
            file.device, row.layout, row.shape, row.dtype, row.passes, row.pooler, row.contender,
            Number(row.median_ms, source, row.p20_ms, row.p80_ms), Number(row.gb_per_s, source),
            Number(row.share_of_limit, source), Number(row.ratio, source, row.ratio_p20, row.ratio_p80),
            Number(row.peak_mb, source), "",
        )  # fmt: skip  # a table


def _left_out(file: Timed) -> Iterator[Line]:
    for one in file.results.left_out:
        names = (file.device, one.layout, one.shape, one.dtype, one.passes, one.pooler, one.contender)
        yield (*names, None, None, None, None, None, one.reason)


def _missing(lines: Sequence[Line]) -> Iterator[Line]:
    """Poolers that a table of others lacks."""
    there: dict[Line, set[str | Number | None]] = {}
    for line in lines:
        there.setdefault(line[:5], set()).add(line[5])
    for place, poolers in there.items():
        yield from ((*place, name, OURS, None, None, None, None, None, "") for name in SUBJECTS if name not in poolers)


def report(files: Sequence[Timed]) -> Iterator[str]:
    """Each device: pooler by layout, what misses the targets, and where the whole report is."""
    yield from ("## Throughput", "")
    for device in DEVICES:
        found = [file for file in files if file.results.facts["device"] == device]
        if not any(file.results.rows for file in found):
            yield from (f"{'GPU' if device == 'cuda' else 'CPU'}: {ABSENT}.", "")
        for file in found:
            yield from _device(file)


def _device(file: Timed) -> Iterator[str]:
    whole = f"{file.raw.path.parent.name}/{file.raw.name}.md"
    yield from (f"### {plain(file.raw.name)}", "")
    yield from (f"{len(file.results.rows)} rows in {linked(file.raw)}; every table is in [its report]({whole}).", "")
    yield from (f"- {plain(name)}: {plain(str(value))}" for name, value in file.results.facts.items())
    yield ""
    if not file.results.rows:
        return
    for picture in ("limit", "length"):
        path = file.raw.path.with_name(f"{file.raw.name}-{picture}.svg")
        if path.exists():
            yield from (f"![{picture}]({path.parent.name}/{path.name})", "")
    yield from ("Share of the limit, the median over shapes, dtypes and passes:", "")
    yield from table(("pooler", *LAYOUTS), _shares([row for row in file.results.rows if row.contender == OURS]))
    yield ""
    yield from _short(misses(file.results))


def _short(lines: Iterable[str]) -> Iterator[str]:
    """The first of each list under headings two levels down; how many there are stands in the heading."""
    for bullet, group in groupby(lines, lambda line: line.startswith("- ")):
        found = list(group)
        yield from found[:MOST] if bullet else (f"##{line}" if line.startswith("## ") else line for line in found)
        if bullet and len(found) > MOST:
            yield f"- and {len(found) - MOST} more, in its report"


def _shares(rows: Sequence[Row]) -> Iterator[Sequence[str]]:
    for pooler in dict.fromkeys(row.pooler for row in rows):
        cells = [[row.share_of_limit for row in rows if (row.pooler, row.layout) == (pooler, name)] for name in LAYOUTS]
        yield (pooler, *(f"{median(cell):.2f}" if cell else ABSENT for cell in cells))
