"""The report's plots: accuracy with its intervals, by length, and along the axis of a grid."""

import math
import re
from collections.abc import Sequence
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.accuracy.job import MAJORITY
from benchmarks.accuracy.studies.mistakes import CORRECT
from benchmarks.evidence.accuracy import AGAINST, Cell
from benchmarks.evidence.grids import Grid, number_of
from benchmarks.evidence.markdown import Plots
from benchmarks.evidence.runs import Setting
from benchmarks.evidence.section import Number
from benchmarks.plotting import ACCENT, COLOURS, STYLE, literal, save

STANDARDS = (AGAINST, CORRECT)
MOST_LINES = 7
FEWEST = 20
"""Test texts of a length below which an accuracy says too little to be drawn."""
LONG = 26
"""Characters of a label from which a legend has one column."""
WIDE = 50
"""Ratio of the largest value to the least from which a scale is logarithmic."""
ACROSS = 2


@matplotlib.rc_context(STYLE)  # type: ignore[arg-type]  # the stubs list each key
def draw(cells: Sequence[Cell], grids: Sequence[Grid], folder: Path) -> Plots:
    """Save the plots of each study; gives their titles, and their files as links, by study."""
    drawn: Plots = {}
    for study in dict.fromkeys([*(cell.setting.study for cell in cells), *(grid.study for grid in grids)]):
        found = _compared([cell for cell in cells if cell.setting.study == study])
        figures = {}
        if found:
            figures["accuracy"] = intervals(found)
        if any(len(cell.by_length) > 1 for group in found.values() for cell in group):
            figures["accuracy by length"] = by_length(found)
        for measure in dict.fromkeys(grid.measure for grid in grids if grid.study == study):
            chosen = [grid for grid in grids if (grid.study, grid.measure) == (study, measure)]
            figures[f"{measure} by {chosen[0].axis}"] = along(chosen)
        for title, figure in figures.items():
            path = save(figure, folder / f"{_slug(study)}-{_slug(title)}.svg")
            drawn.setdefault(study, []).append((title, f"{folder.name}/{path.name}"))
    return drawn


def _compared(cells: Sequence[Cell]) -> dict[Setting, list[Cell]]:
    """Settings in which poolers are compared."""
    panels: dict[Setting, list[Cell]] = {}
    for cell in cells:
        panels.setdefault(cell.setting, []).append(cell)
    return {setting: group for setting, group in panels.items() if setting.whole and len(group) > 1}


def intervals(panels: dict[Setting, list[Cell]]) -> Figure:
    """A panel a setting, a mark with its interval a pooler; BiConcat and its mean stand out."""
    figure, axes = _figure(len(panels), 1.1 + 0.22 * max(map(len, panels.values())))
    for place, (setting, group) in zip(axes, panels.items(), strict=True):
        ranked = sorted((cell for cell in group if cell.pooler != MAJORITY), key=lambda cell: cell.accuracy.value)
        for height, cell in enumerate(ranked):
            _mark(place, cell.accuracy, height, _colour(cell.pooler, 0))
            if cell.pooler == AGAINST:
                place.axvline(cell.accuracy.value, color=ACCENT, linewidth=0.8, linestyle="--")
        place.set_yticks(range(len(ranked)), [literal(cell.pooler) for cell in ranked])
        least = "".join(f"; {MAJORITY} {cell.accuracy.value:.3f}" for cell in group if cell.pooler == MAJORITY)
        place.set(title=_title(setting), xlabel=f"accuracy{least}")
    return figure


def _mark(axes: Axes, number: Number, height: float, colour: str) -> None:
    low, high = _margins(number)
    axes.errorbar(
        [number.value], [height], xerr=[[low], [high]], fmt="o", markersize=4.5, color=colour, elinewidth=1.6, capsize=2
    )


def _margins(number: Number) -> tuple[float, float]:
    if number.low is None or number.high is None:
        return 0.0, 0.0
    return max(0.0, number.value - number.low), max(0.0, number.high - number.value)


def _colour(label: str, number: int) -> str:
    others = [colour for colour in COLOURS if colour != ACCENT]
    return ACCENT if label in STANDARDS else others[number % len(others)]


def by_length(panels: dict[Setting, list[Cell]]) -> Figure:
    """A panel a setting, a line a pooler over the bands of lengths: BiConcat and the highest means."""
    figure, axes = _figure(len(panels), 4.4)
    for place, (setting, group) in zip(axes, panels.items(), strict=True):
        texts = {name: band.texts for cell in group for name, band in cell.by_length.items()}
        bands = sorted((name for name in texts if texts[name] >= FEWEST), key=lambda name: int(name.partition("-")[0]))
        rows = {
            cell.pooler: {name: cell.by_length[name].accuracy for name in bands if name in cell.by_length}
            for cell in group
        }
        chosen = _chosen(rows, {cell.pooler: cell.accuracy.value for cell in group})
        _lines(place, chosen, {name: float(index) for index, name in enumerate(bands)}, 0.06)
        place.set_xticks(range(len(bands)), [f"{name}\n({texts[name]:,})" for name in bands])
        place.set(xlabel=f"tokens (test texts, at least {FEWEST})", ylabel="accuracy", title=_title(setting))
    return figure


def along(grids: Sequence[Grid]) -> Figure:
    """A panel a grid, a line a row over the axis."""
    figure, axes = _figure(len(grids), 4.6)
    for place, grid in zip(axes, grids, strict=True):
        numbers = {column: number_of(column) for column in grid.columns}
        scale = {column: float(index) for index, column in enumerate(grid.columns)}
        means = {row: sum(cell.value for cell in cells.values()) / len(cells) for row, cells in grid.rows.items()}
        if all(numbers.values()) and min(filter(None, numbers.values())) > 0:
            scale = {column: math.log2(number) for column, number in numbers.items() if number}
        _lines(place, _chosen(grid.rows, means), scale, 0.0)
        place.set_xticks(list(scale.values()), [literal(column) for column in scale])
        place.set(xlabel=literal(grid.axis), ylabel=literal(grid.measure), title=literal(grid.title))
        values = [cell.value for cells in grid.rows.values() for cell in cells.values()]
        if min(values) > 0 and max(values) > WIDE * min(values):
            place.set_yscale("log")
        if grid.measure.startswith("accuracy"):
            low, high = place.get_ylim()
            place.set_ylim(max(0.0 if grid.measure == "accuracy" else -1.0, low), min(1.0, high))
    return figure


def _chosen(rows: dict[str, dict[str, Number]], means: dict[str, float]) -> dict[str, dict[str, Number]]:
    """What the others are held against, and the highest, no more than can be told apart."""
    ranked = sorted(rows, key=lambda row: (row not in STANDARDS, -means[row]))
    return {row: rows[row] for row in ranked[:MOST_LINES]}


def _lines(axes: Axes, rows: dict[str, dict[str, Number]], scale: dict[str, float], beside: float) -> None:
    """One line a row; each a little beside the others, so that intervals can be told apart."""
    for number, (label, cells) in enumerate(rows.items()):
        points = sorted((scale[name] + beside * (number - len(rows) / 2), cell) for name, cell in cells.items())
        margins = [_margins(cell) for _, cell in points]
        axes.errorbar(
            [x for x, _ in points], [cell.value for _, cell in points], fmt="o-", markersize=4, linewidth=1.5,
            yerr=[[low for low, _ in margins], [high for _, high in margins]], elinewidth=0.8, capsize=2,
            color=_colour(label, number), label=literal(label),
        )  # fmt: skip  # a table
    across = 1 if max(map(len, rows)) > LONG else 2
    axes.legend(fontsize="small", ncols=across, loc="upper left", bbox_to_anchor=(-0.1, -0.3 if beside else -0.22))


def _figure(panels: int, height: float) -> tuple[Figure, list[Axes]]:
    rows, across = math.ceil(panels / ACROSS), min(panels, ACROSS)
    figure = Figure(figsize=(4.6 * max(across, 1.3), height * rows), layout="constrained")
    axes = list(figure.subplots(rows, across, squeeze=False).flat)
    for spare in axes[panels:]:
        spare.remove()
    return figure, axes[:panels]


def _title(setting: Setting) -> str:
    return literal(", ".join(filter(None, (setting.dataset, f"{setting.train_size:,} texts", setting.variant))))


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
