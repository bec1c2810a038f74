"""The report's plots: accuracy with its intervals, by length, and along the axis of a grid."""

import re
import textwrap
from collections.abc import Sequence
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from benchmarks.accuracy.job import MAJORITY
from benchmarks.evidence.accuracy import AGAINST, Cell
from benchmarks.evidence.drawing import OTHERS, TITLE, Rows, chosen, figure_of, lines, mark, palettes
from benchmarks.evidence.grids import Grid
from benchmarks.evidence.markdown import Plots
from benchmarks.evidence.plot_grids import along
from benchmarks.evidence.runs import Setting
from benchmarks.plotting import ACCENT, STYLE, literal, save

FEWEST = 20
"""Test texts of a length below which an accuracy says too little to be drawn."""


@matplotlib.rc_context(STYLE)  # type: ignore[arg-type]  # the stubs list each key
def draw(cells: Sequence[Cell], grids: Sequence[Grid], folder: Path) -> Plots:
    """Save the plots of each study; gives their titles, and their files as links, by study."""
    drawn: Plots = {}
    for study in dict.fromkeys([*(cell.setting.study for cell in cells), *(grid.study for grid in grids)]):
        found = _compared([cell for cell in cells if cell.setting.study == study])
        figures = {}
        if found:
            figures["accuracy"] = intervals(found)
        if several := {setting: group for setting, group in found.items() if len(_bands(group)) > 1}:
            figures["accuracy by length"] = by_length(several)
        for measure in dict.fromkeys(grid.measure for grid in grids if grid.study == study):
            those = [grid for grid in grids if (grid.study, grid.measure) == (study, measure)]
            figures[f"{measure} by {those[0].axis}"] = along(those)
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
    figure, axes = figure_of([1.1 + 0.22 * len(group) for group in panels.values()])
    for place, (setting, group) in zip(axes, panels.items(), strict=True):
        ranked = sorted((cell for cell in group if cell.pooler != MAJORITY), key=lambda cell: cell.accuracy.value)
        for height, cell in enumerate(ranked):
            mark(place, cell.accuracy, height, ACCENT if cell.pooler == AGAINST else OTHERS[0])
            if cell.pooler == AGAINST:
                place.axvline(cell.accuracy.value, color=ACCENT, linewidth=0.8, linestyle="--")
        place.set_yticks(range(len(ranked)), [literal(cell.pooler) for cell in ranked])
        least = "".join(f"; {MAJORITY} {cell.accuracy.value:.3f}" for cell in group if cell.pooler == MAJORITY)
        place.set(title=_title(setting), xlabel=f"accuracy{least}")
    return figure


def by_length(panels: dict[Setting, list[Cell]]) -> Figure:
    """A panel a setting, a line a pooler over the bands of lengths: BiConcat and the highest means."""
    figure, axes = figure_of([4.4] * len(panels))
    picked = [_bands_of(group) for group in panels.values()]
    for place, (setting, group), rows, palette in zip(axes, panels.items(), picked, palettes(picked), strict=True):
        texts = _bands(group)
        lines(place, rows, {name: float(index) for index, name in enumerate(texts)}, palette, 0.06)
        place.set_xticks(range(len(texts)), [f"{name}\n({number:,})" for name, number in texts.items()])
        place.set(xlabel=f"tokens (test texts, at least {FEWEST})", ylabel="accuracy", title=_title(setting))
    return figure


def _bands(group: Sequence[Cell]) -> dict[str, int]:
    """The lengths of which there are texts enough, shortest first, and how many texts."""
    texts = {name: band.texts for cell in group for name, band in cell.by_length.items()}
    ordered = sorted(texts, key=lambda name: int(name.partition("-")[0]))
    return {name: texts[name] for name in ordered if texts[name] >= FEWEST}


def _bands_of(group: Sequence[Cell]) -> Rows:
    bands = _bands(group)
    rows = {
        cell.pooler: {name: cell.by_length[name].accuracy for name in bands if name in cell.by_length} for cell in group
    }
    return chosen(rows, {cell.pooler: cell.accuracy.value for cell in group})


def _title(setting: Setting) -> str:
    parts = filter(None, (setting.dataset, f"{setting.train_size:,} texts", setting.variant))
    return literal(textwrap.fill(", ".join(parts), TITLE))


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
