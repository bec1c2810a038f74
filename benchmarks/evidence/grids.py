"""What changes along one axis: training texts, padding, steps, positions; a row a pooler, a column a value."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from benchmarks.evidence.accuracy import Cell, Setting
from benchmarks.evidence.markdown import plain, table, written
from benchmarks.evidence.section import Number

SIZE = "training texts"


@dataclass(frozen=True)
class Grid:
    """Numbers of one measure, by row and by the value of the axis."""

    study: str
    title: str
    measure: str
    axis: str
    columns: Sequence[str]
    rows: dict[str, dict[str, Number]]


def number_of(text: str) -> float | None:
    """The number that a column stands for."""
    try:
        return float(text.replace(",", ""))
    except ValueError:
        return None


def ordered(names: Iterable[str]) -> list[str]:
    """Each once; numbers by size, before what is none."""
    numbers = {name: number_of(name) for name in names}
    return sorted(numbers, key=lambda name: float("inf") if (number := numbers[name]) is None else number)


def of_cells(cells: Sequence[Cell]) -> Iterator[Grid]:
    """Accuracy wherever a study's settings of one dataset differ; the axis is what takes the most values."""
    groups: dict[Setting, list[Cell]] = {}
    for cell in cells:
        groups.setdefault(replace(cell.setting, train_size=0, variant=""), []).append(cell)
    for setting, group in groups.items():
        said = {cell.setting: _said(cell.setting) for cell in group}
        names = dict.fromkeys(name for one in said.values() for name in one)
        values = {name: ordered(one.get(name, "no") for one in said.values()) for name in names}
        varying = sorted((name for name in values if len(values[name]) > 1), key=lambda name: -len(values[name]))
        if not varying:
            continue
        axis, *others = varying
        rows: dict[str, dict[str, Number]] = {}
        for cell in group:
            one = said[cell.setting]
            label = [cell.pooler, *(f"{name}={one[name]}" for name in others if name in one and cell.trained)]
            rows.setdefault(", ".join(label), {}).setdefault(one.get(axis, "no"), cell.accuracy)
        fixed = [f"{name}={values[name][0]}" for name in names if len(values[name]) == 1 and name != SIZE]
        title = ", ".join((setting.dataset, setting.encoder, *fixed))
        yield Grid(setting.study, title, "accuracy", axis, values[axis], rows)


def _said(setting: Setting) -> dict[str, str]:
    return {SIZE: f"{setting.train_size:,}", **setting.variants}


def lines(grid: Grid) -> Iterator[str]:
    """The grid as a table."""
    form = ".3f" if grid.measure == "accuracy" else ".3g"
    yield from (f"{plain(grid.measure)}, {plain(grid.title)}, by {plain(grid.axis)}:", "")
    rows = [
        (plain(label), *(written(cells.get(column), form) or "not run" for column in grid.columns))
        for label, cells in grid.rows.items()
    ]
    yield from table((" ", *map(plain, grid.columns)), rows)
    yield ""
