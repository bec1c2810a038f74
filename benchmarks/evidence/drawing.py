"""What the report's plots are drawn of: panels, lines and marks with their intervals, and colours."""

from collections.abc import Sequence
from itertools import cycle

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.accuracy.studies.mistakes import CORRECT
from benchmarks.evidence.accuracy import AGAINST
from benchmarks.evidence.section import Number
from benchmarks.plotting import ACCENT, COLOURS, literal

STANDARDS = (AGAINST, CORRECT)
OTHERS = [colour for colour in COLOURS if colour != ACCENT]
MOST_LINES = 7
LONG = 26
"""Characters of a label from which a legend has one column."""
TITLE = 48
"""Characters of a line of a title."""
ACROSS = 2
Rows = dict[str, dict[str, Number]]
"""By label, the numbers by the value of an axis."""


def figure_of(heights: Sequence[float]) -> tuple[Figure, list[Axes]]:
    """A figure of panels of these heights, two beside each other."""
    across = min(len(heights), ACROSS)
    rows = [max(heights[first : first + across]) for first in range(0, len(heights), across)]
    figure = Figure(figsize=(4.6 * max(across, 1.3), sum(rows)), layout="constrained")
    axes = list(figure.subplots(len(rows), across, squeeze=False, height_ratios=rows).flat)
    for spare in axes[len(heights) :]:
        spare.remove()
    return figure, axes[: len(heights)]


def palettes(panels: Sequence[Rows]) -> list[dict[str, str]]:
    """The colours of each panel's rows: the same in every panel, if there are colours enough."""
    labels = list(dict.fromkeys(label for rows in panels for label in rows if label not in STANDARDS))
    if len(labels) > len(OTHERS) and len(panels) > 1:
        return [palette for rows in panels for palette in palettes([rows])]
    colours = {**dict(zip(labels, cycle(OTHERS), strict=False)), **dict.fromkeys(STANDARDS, ACCENT)}
    return [{label: colours[label] for label in rows} for rows in panels]


def chosen(rows: Rows, means: dict[str, float]) -> Rows:
    """What the others are held against, and the highest, no more than can be told apart."""
    ranked = sorted(rows, key=lambda row: (row not in STANDARDS, -means[row]))
    return {row: rows[row] for row in ranked[:MOST_LINES]}


def lines(axes: Axes, rows: Rows, scale: dict[str, float], palette: dict[str, str], beside: float) -> None:
    """One line a row; each a little beside the others, so that intervals can be told apart."""
    for number, (label, cells) in enumerate(rows.items()):
        points = sorted((scale[name] + beside * (number - len(rows) / 2), cell) for name, cell in cells.items())
        margins = [_margins(cell) for _, cell in points]
        axes.errorbar(
            [x for x, _ in points], [cell.value for _, cell in points], fmt="o-", markersize=4, linewidth=1.5,
            yerr=[[low for low, _ in margins], [high for _, high in margins]], elinewidth=0.8, capsize=2,
            color=palette[label], label=literal(label),
        )  # fmt: skip  # a table
    across = 1 if max(map(len, rows)) > LONG else 2
    axes.legend(fontsize="small", ncols=across, loc="upper left", bbox_to_anchor=(-0.1, -0.3 if beside else -0.22))


def mark(axes: Axes, number: Number, height: float, colour: str) -> None:
    """A number and its interval, lying."""
    low, high = _margins(number)
    axes.errorbar(
        [number.value], [height], xerr=[[low], [high]], fmt="o", markersize=4.5, color=colour, elinewidth=1.6, capsize=2
    )


def _margins(number: Number) -> tuple[float, float]:
    if number.low is None or number.high is None:
        return 0.0, 0.0
    return max(0.0, number.value - number.low), max(0.0, number.high - number.value)
