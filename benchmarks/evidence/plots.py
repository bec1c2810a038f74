"""The report's plots: accuracy with its intervals, by length, and by the size of the training set."""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.evidence.accuracy import AGAINST, MAJORITY, Cell, Setting
from benchmarks.evidence.section import Number
from benchmarks.plotting import ACCENT, COLOURS, STYLE, literal, save

MOST_LINES = 6
COLUMNS = 2


@matplotlib.rc_context(STYLE)  # type: ignore[arg-type]  # the stubs list each key
def draw(cells: Sequence[Cell], folder: Path) -> dict[str, list[tuple[str, Path]]]:
    """Save the plots of each study; gives their titles and files by study."""
    drawn = {study: _of(list(group)) for study, group in groupby(cells, lambda cell: cell.setting.study)}
    return {
        study: [(title, save(figure, folder / f"{_slug(study)}-{_slug(title)}.svg")) for title, figure in figures]
        for study, figures in drawn.items()
    }


def _of(cells: Sequence[Cell]) -> list[tuple[str, Figure]]:
    figures = [("accuracy", intervals(cells))]
    if any(len(cell.by_length) > 1 for cell in cells):
        figures.append(("accuracy by length", by_length([cell for cell in cells if len(cell.by_length) > 1])))
    if len({cell.setting.train_size for cell in cells if cell.setting.dataset == cells[0].setting.dataset}) > 1:
        figures.append(("accuracy by training texts", by_size(cells)))
    return figures


def intervals(cells: Sequence[Cell]) -> Figure:
    """A panel a setting, a mark with its interval a pooler; BiConcat and its mean stand out."""
    panels = _panels(cells, lambda setting: setting)
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


def _colour(pooler: str, number: int) -> str:
    others = [colour for colour in COLOURS if colour != ACCENT]
    return ACCENT if pooler == AGAINST else others[number % len(others)]


def by_length(cells: Sequence[Cell]) -> Figure:
    """A panel a setting, a line a pooler over the bands of lengths: BiConcat and the highest means."""
    panels = _panels(cells, lambda setting: setting)
    figure, axes = _figure(len(panels), 3.6)
    for place, (setting, group) in zip(axes, panels.items(), strict=True):
        bands = list(dict.fromkeys(band for cell in group for band in cell.by_length))
        for number, cell in enumerate(_chosen(group)):
            beside = 0.07 * (number - MOST_LINES / 2)
            points = {bands.index(band) + beside: accuracy for band, (accuracy, _) in cell.by_length.items()}
            _line(place, points, cell.pooler, number)
        place.set_xticks(range(len(bands)), bands)
        place.set(xlabel="tokens", ylabel="accuracy", title=_title(setting))
        place.legend(fontsize="small")
    return figure


def _chosen(group: Sequence[Cell]) -> list[Cell]:
    """BiConcat and the highest means, no more than can be told apart."""
    ranked = sorted(group, key=lambda cell: (cell.pooler != AGAINST, -cell.accuracy.value))
    return ranked[:MOST_LINES]


def _line(axes: Axes, points: dict[float, Number], pooler: str, number: int) -> None:
    where = sorted(points)
    margins = [_margins(points[x]) for x in where]
    axes.errorbar(
        where, [points[x].value for x in where], yerr=[[low for low, _ in margins], [high for _, high in margins]],
        fmt="o-", markersize=4, linewidth=1.5, elinewidth=0.8, capsize=2, color=_colour(pooler, number),
        label=literal(pooler),
    )  # fmt: skip  # a table


def by_size(cells: Sequence[Cell]) -> Figure:
    """A panel a dataset and variant, a line a pooler over the number of training texts."""
    panels = _panels(cells, lambda setting: replace(setting, train_size=0))
    figure, axes = _figure(len(panels), 3.6)
    for place, (setting, group) in zip(axes, panels.items(), strict=True):
        sizes = sorted({cell.setting.train_size for cell in group})
        largest = _chosen([cell for cell in group if cell.setting.train_size == sizes[-1]])
        for number, pooler in enumerate(cell.pooler for cell in largest):
            beside = 1.02 ** (number - MOST_LINES / 2)
            points = {cell.setting.train_size * beside: cell.accuracy for cell in group if cell.pooler == pooler}
            _line(place, points, pooler, number)
        place.set(xscale="log", xlabel="training texts", ylabel="accuracy", title=_title(setting))
        place.set_xticks(sizes, [f"{size:,}" for size in sizes])
        place.minorticks_off()
        place.legend(fontsize="small")
    return figure


def _panels(cells: Sequence[Cell], key: Callable[[Setting], Setting]) -> dict[Setting, list[Cell]]:
    panels: dict[Setting, list[Cell]] = {}
    for cell in cells:
        panels.setdefault(key(cell.setting), []).append(cell)
    return panels


def _figure(panels: int, height: float) -> tuple[Figure, list[Axes]]:
    rows = math.ceil(panels / COLUMNS)
    across = min(panels, COLUMNS)
    figure = Figure(figsize=(4.6 * across, height * rows), layout="constrained")
    axes = list(figure.subplots(rows, across, squeeze=False).flat)
    for spare in axes[panels:]:
        spare.remove()
    return figure, axes[:panels]


def _title(setting: Setting) -> str:
    size = f"{setting.train_size:,} texts" if setting.train_size else ""
    return literal(", ".join(filter(None, (setting.dataset, size, setting.variant))))


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
