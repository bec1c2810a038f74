"""How the plots of the reports look, the same on a light and on a dark ground."""

from collections.abc import Mapping
from pathlib import Path

import matplotlib
from cycler import cycler
from matplotlib.figure import Figure

INK = "#767676"
ACCENT = "#d9662b"
COLOURS = ("#3f86c9", "#d9662b", "#36995c", "#a86ac4", "#c79a1e", "#cf4f63", "#2b9fb0", "#8a7a62", "#d36bab", "#7f8fa6")
STYLE: Mapping[str, object] = {
    "text.color": INK, "axes.labelcolor": INK, "axes.titlecolor": INK, "axes.edgecolor": INK, "xtick.color": INK,
    "ytick.color": INK, "grid.color": INK, "grid.alpha": 0.25, "axes.grid": True, "axes.axisbelow": True,
    "axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False, "axes.titlesize": "medium",
    "axes.prop_cycle": cycler(color=COLOURS), "savefig.transparent": True, "svg.fonttype": "none",
    "svg.hashsalt": "seqpool",
}  # fmt: skip  # a table
"""Middle tones on a transparent ground; the salt, so that the same numbers draw the same file."""


@matplotlib.rc_context(STYLE)  # type: ignore[arg-type]  # the stubs list each key
def save(figure: Figure, path: Path) -> Path:
    """Write a figure that was drawn under `STYLE`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _settle(figure)
    figure.savefig(path, metadata={"Date": None})
    return path


def _settle(figure: Figure) -> None:
    """Keep the layout, rounded: its solver's last digits differ from process to process, and name clips in the file."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for axes in figure.axes:
        left, bottom, width, height = (round(side, 6) for side in axes.get_position().bounds)
        axes.set_position((left, bottom, width, height))


def literal(text: str) -> str:
    """Text that is drawn as it is, dollar signs too."""
    return text.replace("$", r"\$")
