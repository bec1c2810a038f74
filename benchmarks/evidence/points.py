"""Curves of trained models, by step or by position: means over seeds, as a section of the page and as grids."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.evidence.accuracy import mean
from benchmarks.evidence.grids import Grid, lines, ordered
from benchmarks.evidence.markdown import Plots, linked, plain
from benchmarks.evidence.raw import Raw, Source
from benchmarks.evidence.section import Choice, Column, Line, Number, Section, seen

NAMES = ("study", "dataset", "encoder", "train_size", "epochs", "variant", "measure", "pooler", "step", "position")
CHOSEN = ("study", "dataset", "encoder", "measure", "pooler")
"""What the page chooses one of at first; the others are open."""


@dataclass(frozen=True)
class Point:
    """One number of a curve, over seeds; `names` are the values of `NAMES`."""

    names: tuple[str, ...]
    seeds: int
    value: Number

    def __getitem__(self, name: str) -> str:
        """The value of a name."""
        return self.names[NAMES.index(name)]


def points(files: Sequence[Raw]) -> list[Point]:
    """One for each point of each curve.

    Raises:
        ValueError: a value is no number.
    """
    grouped: dict[tuple[str, ...], list[tuple[float, Source]]] = {}
    for file in files:
        for number, record in enumerate(file.records(), 1):
            names = (file.name, *(record[name] for name in NAMES))
            grouped.setdefault(names, []).append((_value(file, number, record), Source(file.name, (number,))))
    return [Point(tuple(names), len(group), mean(group)) for (_, *names), group in grouped.items()]


def _value(file: Raw, number: int, record: dict[str, str]) -> float:
    try:
        return float(record["value"])
    except ValueError as error:
        raise ValueError(f"{file.path}: row {number} cannot be read: {error}") from error


def sections(found: Sequence[Point]) -> Iterator[Section]:
    """One, where there is a curve."""
    if not found:
        return
    rows: list[Line] = [(*(name or "none" for name in point.names), str(point.seeds), point.value) for point in found]
    columns = [*(Column(name.replace("_", " "), text=True) for name in (*NAMES, "seeds")), Column("value")]
    choices = []
    for column, name in enumerate(NAMES):
        values = seen(rows, column)
        choices.append(Choice(column, values, values[0] if name in CHOSEN else ""))
    note = "Mean and 95% t-interval over seeds, after a step of training, at a position in the text."
    yield Section(
        "curves", "Curves", columns, rows, choices, (NAMES.index("pooler"),), len(NAMES) + 1, "not run",
        notes=(note,), in_order=True,
    )  # fmt: skip  # a table


def grids(found: Sequence[Point]) -> Iterator[Grid]:
    """One a study, dataset and measure: by position after the last step where there are positions, else by step."""
    kinds = ("study", "dataset", "encoder", "train_size", "measure")
    groups: dict[tuple[str, ...], list[Point]] = {}
    for point in found:
        groups.setdefault(tuple(point[name] for name in kinds), []).append(point)
    for (study, dataset, encoder, size, measure), group in groups.items():
        axis = "position" if len({point["position"] for point in group}) > 1 else "step"
        shown = group if axis == "step" else _last(group)
        several = len({point["variant"] for point in shown}) > 1
        rows: dict[str, dict[str, Number]] = {}
        for point in shown:
            label = ", ".join(filter(None, (point["pooler"], point["variant"] if several else "")))
            rows.setdefault(label, {})[point[axis]] = point.value
        after = "" if axis == "step" else ", after the last step"
        title = f"{dataset}, {encoder}, {size} training texts{after}"
        yield Grid(study, title, measure, axis, ordered(point[axis] for point in shown), rows)


def _last(group: Sequence[Point]) -> list[Point]:
    """The points of each curve after its last step."""
    curves: dict[tuple[str, str], list[Point]] = {}
    for point in group:
        curves.setdefault((point["pooler"], point["variant"]), []).append(point)
    ends = {curve: ordered(point["step"] for point in found)[-1] for curve, found in curves.items()}
    return [point for curve, found in curves.items() for point in found if point["step"] == ends[curve]]


def report(files: Sequence[Raw], found: Sequence[Grid], plots: Plots) -> Iterator[str]:
    """Every grid, its plot above."""
    if not files:
        return
    yield from ("## Curves", "", f"Raw rows: {', '.join(linked(file) for file in files)}.", "")
    for study in dict.fromkeys(grid.study for grid in found):
        yield from (f"### {plain(study)}", "")
        yield from (f"![{plain(title)}]({path})\n" for title, path in plots.get(study, ()))
        for grid in found:
            if grid.study == study:
                yield from lines(grid)
