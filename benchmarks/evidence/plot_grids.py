"""A plot along the axis of grids: a panel a grid, a line a row."""

import math
import textwrap
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.evidence.drawing import OTHERS, TITLE, Rows, chosen, figure_of, lines, mark, palettes
from benchmarks.evidence.grids import Grid, number_of
from benchmarks.plotting import ACCENT, literal

WIDE = 50
"""Ratio of the largest value to the least from which a scale is logarithmic."""
MOST_TICKS = 12
SUBTRACTED = " minus "


def along(grids: Sequence[Grid]) -> Figure:
    """A panel a grid, a line a row over the axis; marks alone where there is one value of it."""
    single = all(len(grid.columns) == 1 for grid in grids)
    figure, axes = figure_of([1.1 + 0.3 * len(grid.rows) if single else 4.6 for grid in grids])
    drawn = [_finite(grid) for grid in grids]
    picked = drawn if single else [chosen(rows, _means(rows)) for rows in drawn]
    for place, grid, rows, palette in zip(axes, grids, picked, palettes(picked), strict=True):
        if single:
            _marks(place, grid, rows)
        elif rows:
            _curves(place, grid, rows, palette)
        place.set_title(literal(textwrap.fill(grid.title, TITLE)))
    return figure


def _finite(grid: Grid) -> Rows:
    rows = {label: {name: cell for name, cell in row.items() if cell.finite} for label, row in grid.rows.items()}
    return {label: row for label, row in rows.items() if row}


def _means(rows: Rows) -> dict[str, float]:
    return {label: sum(cell.value for cell in row.values()) / len(row) for label, row in rows.items()}


def _marks(place: Axes, grid: Grid, rows: Rows) -> None:
    """A mark with its interval a row."""
    (column,) = grid.columns
    for height, row in enumerate(reversed(list(rows.values()))):
        mark(place, row[column], height, OTHERS[0])
    if SUBTRACTED in grid.measure:
        place.axvline(0.0, color=ACCENT, linewidth=0.8, linestyle="--")
    place.set_yticks(range(len(rows)), [literal(label) for label in reversed(rows)])
    place.set_xlabel(literal(f"{grid.measure} ({grid.axis} {column})"))


def _curves(place: Axes, grid: Grid, rows: Rows, palette: dict[str, str]) -> None:
    """A line a row over the axis."""
    scale = _scale(grid.columns)
    lines(place, rows, scale, palette, 0.0)
    if len(scale) <= MOST_TICKS:
        place.set_xticks(list(scale.values()), [literal(column) for column in scale])
    place.set(xlabel=literal(grid.axis), ylabel=literal(grid.measure))
    values = [cell.value for row in rows.values() for cell in row.values()]
    if min(values) > 0 and max(values) > WIDE * min(values):
        place.set_yscale("log")
    if grid.measure.startswith("accuracy"):
        low, high = place.get_ylim()
        place.set_ylim(max(-1.0 if SUBTRACTED in grid.measure else 0.0, low), min(1.0, high))


def _scale(columns: Sequence[str]) -> dict[str, float]:
    """Where each column stands: side by side, by its logarithm, or by its number where there are many."""
    numbers = {column: number for column in columns if (number := number_of(column)) is not None}
    if len(numbers) == len(columns) > MOST_TICKS:
        return numbers
    if len(numbers) == len(columns) and min(numbers.values()) > 0:
        return {column: math.log2(number) for column, number in numbers.items()}
    return {column: float(index) for index, column in enumerate(columns)}
