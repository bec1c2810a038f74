"""What the page is made of: tables of numbers that name their raw rows, and the choices that narrow them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.evidence.raw import Source


@dataclass(frozen=True)
class Number:
    """A number, its interval where there is one, the raw rows it rests on, and what must be known to read it."""

    value: float
    source: Source
    low: float | None = None
    high: float | None = None
    note: str = ""

    @property
    def finite(self) -> bool:
        """Whether it can be drawn."""
        return math.isfinite(self.value)


@dataclass(frozen=True)
class Column:
    """A column; `digits` behind the point, or three significant ones."""

    title: str
    text: bool = False
    digits: int | None = None
    signed: bool = False


@dataclass(frozen=True)
class Choice:
    """A column to choose a value of; `values` holds planned ones too, so that what is missing can be asked for."""

    column: int
    values: Sequence[str]
    first: str = ""


Line = tuple[str | Number | None, ...]


@dataclass(frozen=True)
class Section:
    """One table with its plot: `label` names the columns that name a mark, `plotted` the one that is drawn.

    A `None` in a line reads `absent`; marks are drawn best first, or in the order of the lines, and of `decades` on a
    logarithmic scale where they are far apart.
    """

    key: str
    title: str
    columns: Sequence[Column]
    lines: Sequence[Line]
    choices: Sequence[Choice]
    label: Sequence[int]
    plotted: int
    absent: str
    lower_is_better: bool = False
    in_order: bool = False
    decades: bool = False
    notes: Sequence[str] = field(default_factory=tuple)

    def data(self) -> dict[str, Any]:
        """What the page's script reads."""
        return {
            "key": self.key,
            "columns": [vars(column) for column in self.columns],
            "rows": [[_cell(cell) for cell in line] for line in self.lines],
            "choices": [{"column": choice.column} for choice in self.choices],
            "label": list(self.label),
            "plotted": self.plotted,
            "absent": self.absent,
            "lower_is_better": self.lower_is_better,
            "in_order": self.in_order,
            "decades": self.decades,
        }


def _cell(cell: str | Number | None) -> Any:
    if not isinstance(cell, Number):
        return cell
    return [*map(_sent, (cell.value, cell.low, cell.high)), str(cell.source), cell.note]


def _sent(value: float | None) -> float | str | None:
    """What is not finite as text, for JSON has no such number."""
    return value if value is None or math.isfinite(value) else str(value)


def seen(lines: Sequence[Line], column: int) -> list[str]:
    """The values of a text column, in the order they come."""
    return list(dict.fromkeys(str(line[column]) for line in lines))
