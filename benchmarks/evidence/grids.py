"""What changes along one axis: training texts, padding, steps, positions; a row a pooler, a column a value."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from benchmarks.evidence.accuracy import Cell
from benchmarks.evidence.markdown import plain, table, written
from benchmarks.evidence.runs import Setting
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
    """Accuracy wherever a study's settings of one dataset differ; where in two things, a grid for each pooler."""
    groups: dict[Setting, list[Cell]] = {}
    for cell in cells:
        groups.setdefault(replace(cell.setting, train_size=0, variant=""), []).append(cell)
    for setting, group in groups.items():
        axis, *others = _varying(group) or [""]
        if not axis:
            continue
        poolers = dict.fromkeys(cell.pooler for cell in group if cell.trained)
        parts = {name: [cell for cell in group if cell.pooler == name] for name in poolers} if others else {"": group}
        for pooler, part in parts.items():
            title = ", ".join(filter(None, (setting.dataset, setting.encoder, pooler)))
            yield Grid(setting.study, title, "accuracy", axis, _values(part, axis), _rows(part, axis, others))


def _varying(group: Sequence[Cell]) -> list[str]:
    """The names whose values differ, the axis first: a number if there is one, and what takes the most values."""
    names = dict.fromkeys(name for cell in group for name in _said(cell.setting))
    values = {name: _values(group, name) for name in names}
    many = [name for name in names if len(values[name]) > 1]
    return sorted(many, key=lambda name: (any(number_of(value) is None for value in values[name]), -len(values[name])))


def _values(group: Sequence[Cell], name: str) -> list[str]:
    return ordered(_said(cell.setting).get(name, "no") for cell in group)


def _rows(group: Sequence[Cell], axis: str, others: Sequence[str]) -> dict[str, dict[str, Number]]:
    rows: dict[str, dict[str, Number]] = {}
    for cell in group:
        said = _said(cell.setting)
        names = [said.get(name, "no") for name in others]
        label = ", ".join(names if len(others) < 2 else map(" ".join, zip(others, names, strict=True))) or cell.pooler
        rows.setdefault(label, {})[said.get(axis, "no")] = cell.accuracy
    return rows


def _said(setting: Setting) -> dict[str, str]:
    return {SIZE: f"{setting.train_size:,}", **setting.variants}


def lines(grid: Grid) -> Iterator[str]:
    """The grid as a table."""
    form = ".3f" if grid.measure.startswith("accuracy") else ".3g"
    yield from (f"{plain(grid.measure.capitalize())}; {plain(grid.title)}; by {plain(grid.axis)}:", "")
    rows = [
        (plain(label), *(written(cells.get(column), form) or "not run" for column in grid.columns))
        for label, cells in grid.rows.items()
    ]
    yield from table((" ", *map(plain, grid.columns)), rows)
    yield ""
