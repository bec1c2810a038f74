"""The targets, cell by cell: kept or missed, and why where somebody has found out."""

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from benchmarks.throughput.measure import DTYPES, OURS
from benchmarks.throughput.network import TEXTBOOK
from benchmarks.throughput.rows import Row
from benchmarks.throughput.shapes import Shape
from benchmarks.throughput.training import TrainingRow

LARGE = 64e6
"""Bytes of a table below which launches decide on a GPU."""
UNKNOWN = "no reason known"


@dataclass(frozen=True)
class Cell:
    """One cell that a target is held to; `against` is the rival, or the target where there is none."""

    where: str
    pooler: str
    layout: str
    against: str
    kept: bool
    got: str


@dataclass(frozen=True)
class Target:
    """What is promised on a device, and its cells in the rows of a run."""

    text: str
    device: str
    cells: Callable[[Sequence[Row]], Iterator[Cell]]


@dataclass(frozen=True)
class Reason:
    """Why cells miss; an empty name stands for all."""

    pooler: str
    layout: str
    against: str
    device: str
    reason: str

    def fits(self, cell: Cell, device: str) -> bool:
        """Whether it speaks of the cell."""
        named = (self.pooler, self.layout, self.against, self.device)
        found = (cell.pooler, cell.layout, cell.against, device)
        return all(name in ("", value) for name, value in zip(named, found, strict=True))


def read_reasons(path: Path) -> list[Reason]:
    """The reasons in a file, the first that fits counts; none where there is no file.

    Raises:
        ValueError: its columns are others.
    """
    if not path.exists():
        return []
    names = list(Reason.__dataclass_fields__)
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if reader.fieldnames != names:
            raise ValueError(f"{path} must have the columns {', '.join(names)}; {reader.fieldnames} came")
        return [Reason(**line) for line in reader]


def said_of(cell: Cell, device: str, reasons: Sequence[Reason]) -> str:
    """A missed cell in a line."""
    why = next((reason.reason for reason in reasons if reason.fits(cell, device)), UNKNOWN)
    return f"- {cell.where}: {cell.got}: {why}"


def of_limit(poolers: Sequence[str], least: float, above: float) -> Callable[[Sequence[Row]], Iterator[Cell]]:
    """Share of the limit, on tables of more bytes than `above`."""

    def cells(rows: Sequence[Row]) -> Iterator[Cell]:
        for row in rows:
            if row.contender == OURS and row.pooler in poolers and _bytes(row) > above:
                kept = row.share_of_limit >= least
                yield _cell(row, "limit", kept=kept, got=f"{row.share_of_limit:.2f} of the limit")

    return cells


def unbeaten(rows: Sequence[Row]) -> Iterator[Cell]:
    """Each rival that has a number in the cell."""
    for row in _rivals(rows):
        yield _cell(row, row.contender, kept=row.ratio_p80 >= 1, got=against(row))


def skewed(rows: Sequence[Row]) -> Iterator[Cell]:
    """The textbook form on padded batches of uneven lengths."""
    for row in rows:
        if row.contender == "textbook" and row.layout == "padded" and Shape.parse(row.shape).spread != "equal":
            yield _cell(row, row.contender, kept=row.ratio >= 3, got=against(row))


def launched(rows: Sequence[Row]) -> Iterator[Cell]:
    """Ours on small tables, against the rival that launches least."""
    small = sorted((row for row in rows if _bytes(row) <= LARGE), key=_place)
    for _, group in groupby(small, _place):
        cell = list(group)
        ours = next((row for row in cell if row.contender == OURS), None)
        rivals = list(_rivals(cell))
        if ours and rivals:
            best = min(rivals, key=lambda row: row.launches)
            got = f"{ours.launches} launches, {best.contender} {best.launches}"
            yield _cell(ours, "launches", kept=ours.launches <= best.launches, got=got)


def trained(rows: Sequence[TrainingRow]) -> Iterator[Cell]:
    """The textbook packed form on batches at random of uneven lengths."""
    for row in rows:
        if row.way == TEXTBOOK and row.batches == "random" and Shape.parse(row.shape).spread != "equal":
            got = f"{row.ratio:.2f} [{row.ratio_p20:.2f}, {row.ratio_p80:.2f}]"
            yield Cell(f"training, {row.shape}", "training", "packed", "training", row.ratio >= 2, got)


NO_RIVAL = "no rival is faster beyond the noise, each in each cell"
TARGETS = (
    Target("sum and mean at 60% of the one-pass limit or more", "cpu", of_limit(("sum", "mean"), 0.60, 0)),
    Target(NO_RIVAL, "cpu", unbeaten),
    Target(
        "mean, sum, max, std and attention at 85% of the copy bandwidth or more, on tables above 64 MB",
        "cuda",
        of_limit(("mean", "sum", "max", "std", "attention"), 0.85, LARGE),
    ),
    Target(NO_RIVAL, "cuda", unbeaten),
    Target("3 times the textbook padded form or more, on skewed lengths", "cuda", skewed),
    Target("no more launches than the rival with the fewest, on tables up to 64 MB", "cuda", launched),
)
TRAINING = "a training step with uneven lengths at twice the textbook packed form or more"


def against(row: Row) -> str:
    """A rival's ratio."""
    return f"{row.contender} {row.ratio:.2f} [{row.ratio_p20:.2f}, {row.ratio_p80:.2f}]"


def _rivals(rows: Sequence[Row]) -> Iterator[Row]:
    return (row for row in rows if not row.contender.startswith(OURS))


def _place(row: Row) -> tuple[str, ...]:
    return row.shape, row.dtype, row.passes, row.pooler, row.layout


def _cell(row: Row, name: str, *, kept: bool, got: str) -> Cell:
    return Cell(f"{row.case}, {row.passes}", row.pooler, row.layout, name, kept, got)


def _bytes(row: Row) -> int:
    """Of the padded table."""
    shape = Shape.parse(row.shape)
    return shape.batch * shape.steps * shape.features * DTYPES[row.dtype].itemsize
