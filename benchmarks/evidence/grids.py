"""What changes along one axis: training texts, padding, steps, positions; a row a pooler, a column a value."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from benchmarks.evidence.accuracy import MAIN, Cell
from benchmarks.evidence.markdown import plain, table, written
from benchmarks.evidence.runs import Setting
from benchmarks.evidence.section import Number

SIZE, SIDE, ALONE = "training texts", "side", "none"
"""Of a text that nothing was added to, the side is none: where every row of the others begins."""


@dataclass(frozen=True)
class Grid:
    """Numbers of one measure, by row and by the value of the axis; `baselines` of the same texts, as they are."""

    study: str
    title: str
    measure: str
    axis: str
    columns: Sequence[str]
    rows: dict[str, dict[str, Number]]
    baselines: Mapping[str, Number] = field(default_factory=dict)


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
    for setting, group in _groups(cells).items():
        axis, *others = _varying(group) or [""]
        if not axis:
            continue
        poolers = dict.fromkeys(cell.pooler for cell in group if cell.trained)
        parts = {name: [cell for cell in group if cell.pooler == name] for name in poolers} if others else {"": group}
        for pooler, part in parts.items():
            budget = f"{setting.epochs} epochs" if setting.epochs else ""
            title = ", ".join(filter(None, (setting.dataset, setting.encoder, pooler, budget)))
            beside = _baselines(cells, part)
            yield Grid(setting.study, title, "accuracy", axis, _values(part, axis), _rows(part, axis, others), beside)


def _groups(cells: Sequence[Cell]) -> dict[Setting, list[Cell]]:
    """Cells that differ in size and variant; in their budget too, where that follows from the size."""
    settings = {cell.setting for cell in cells}
    budgets = Counter(replace(setting, epochs=0) for setting in settings)
    several = {_place(setting) for setting in settings if budgets[replace(setting, epochs=0)] > 1}
    groups: dict[Setting, list[Cell]] = {}
    for cell in cells:
        place = _place(cell.setting)
        groups.setdefault(replace(place, epochs=cell.setting.epochs) if place in several else place, []).append(cell)
    return groups


def _place(setting: Setting) -> Setting:
    return replace(setting, train_size=0, variant="", epochs=0)


def _baselines(cells: Sequence[Cell], group: Sequence[Cell]) -> dict[str, Number]:
    """Those of the main study on the same texts, where the grid has none of its own."""
    texts = {cell.setting.texts for cell in group}
    if len(texts) > 1 or not all(cell.trained for cell in group):
        return {}
    return {
        cell.pooler: cell.accuracy
        for cell in cells
        if not cell.trained and cell.setting.study == MAIN and cell.setting.texts in texts
    }


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
    everywhere: dict[str, Number] = {}
    for cell in group:
        said = _said(cell.setting)
        value = said.get(axis, "no")
        if SIDE in others and said.get(SIDE) == ALONE:
            everywhere[value] = cell.accuracy
            continue
        names = [said.get(name, "no") for name in others]
        label = ", ".join(names if len(others) < 2 else map(" ".join, zip(others, names, strict=True))) or cell.pooler
        rows.setdefault(label, {})[value] = cell.accuracy
    return {label: {**everywhere, **found} for label, found in rows.items()} or {ALONE: everywhere}


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
    if grid.baselines:
        said = (f"{plain(name)} {written(number, form)}" for name, number in grid.baselines.items())
        yield from (f"Baselines on the texts as they are: {'; '.join(said)}.", "")
