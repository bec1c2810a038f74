"""The plots of a report: bars against the limit, and throughput by length."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.plotting import COLOURS, INK, STYLE, save
from benchmarks.throughput.measure import OURS, PASSES
from benchmarks.throughput.rows import Row
from benchmarks.throughput.shapes import Shape


@matplotlib.rc_context(STYLE)  # type: ignore[arg-type]  # the stubs list each key
def draw(rows: Sequence[Row], path: Path) -> dict[str, Path]:
    """Save the plots beside the results; gives their titles and files. Without equal lengths there is one plot."""
    pictures = {"share of the limit": (against_limit(rows), path.with_name(f"{path.stem}-limit.svg"))}
    equal = [row for row in rows if Shape.parse(row.shape).spread == "equal"]
    if equal:
        pictures["throughput by length"] = (by_length(equal), path.with_name(f"{path.stem}-length.svg"))
    return {title: save(figure, target) for title, (figure, target) in pictures.items()}


def against_limit(rows: Sequence[Row]) -> Figure:
    """For the largest shape, one bar a pooler and layout; 1 is the limit."""
    ours = [row for row in rows if row.contender == OURS]
    largest = max((row.shape for row in ours), key=_elements)
    chosen = [row for row in ours if row.shape == largest and row.dtype == ours[0].dtype]
    figure = Figure(figsize=(12, 8), layout="constrained")
    for axes, passes in zip(figure.subplots(len(PASSES), 1, squeeze=False)[:, 0], PASSES, strict=True):
        _bars(axes, [row for row in chosen if row.passes == passes])
        axes.set_title(f"{largest}, {ours[0].dtype}, {passes}")
    if chosen:
        figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside right upper")
    return figure


def _bars(axes: Axes, rows: Sequence[Row]) -> None:
    poolers = list(dict.fromkeys(row.pooler for row in rows))
    layouts = list(dict.fromkeys(row.layout for row in rows))
    width = 0.8 / max(1, len(layouts))
    for number, layout in enumerate(layouts):
        shares = {row.pooler: row.share_of_limit for row in rows if row.layout == layout}
        places = [poolers.index(pooler) + number * width for pooler in shares]
        axes.bar(places, list(shares.values()), width, label=layout)
    axes.axhline(1, color=INK, linewidth=1)
    axes.set_xticks([place + 0.4 - width / 2 for place in range(len(poolers))], poolers, rotation=20)
    axes.set_ylabel("share of the copy bandwidth")


def by_length(rows: Sequence[Row]) -> Figure:
    """GB/s over T for every pooler of the first layout, in the first pass; dashed is the textbook form."""
    first = rows[0]
    chosen = [row for row in rows if (row.layout, row.dtype, row.passes) == (first.layout, first.dtype, first.passes)]
    figure = Figure(figsize=(9, 6), layout="constrained")
    axes = figure.subplots()
    for number, pooler in enumerate(dict.fromkeys(row.pooler for row in chosen)):
        colour = COLOURS[number % len(COLOURS)]
        for contender, style in ((OURS, "o-"), ("textbook", "x--")):
            points = sorted(
                (Shape.parse(row.shape).steps, row.gb_per_s)
                for row in chosen
                if (row.pooler, row.contender) == (pooler, contender)
            )
            label = pooler if contender == OURS else None
            axes.plot([x for x, _ in points], [y for _, y in points], style, color=colour, label=label)
    axes.axhline(first.copy_gb_per_s, color=INK, linewidth=1)
    steps = sorted({Shape.parse(row.shape).steps for row in chosen})
    axes.set(xscale="log", yscale="log", xlabel="T, steps of each sequence", ylabel="GB/s that must move")
    axes.set_xticks(steps, [f"{count:,}" for count in steps])
    axes.tick_params(axis="x", which="minor", bottom=False, labelbottom=False)
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter("{x:g}")
    axes.set_title(f"{first.layout}, {first.dtype}, {first.passes}; dashed: textbook form; line: copy bandwidth")
    figure.legend(loc="outside right upper")
    return figure


def _elements(shape: str) -> int:
    sizes = Shape.parse(shape)
    return sizes.batch * sizes.steps * sizes.features
