"""What is drawn is what was given; without matplotlib the rest works, and the plots name their cure."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from seqpool.analysis.plots import plot_positions, plot_tokens


def test_a_curve_is_the_mean_and_its_interval() -> None:
    curve = torch.tensor([[1.0, 4.0], [3.0, 8.0]]).repeat(15, 1)
    empty = torch.full((1, 2), float("nan"))
    figure = plot_positions({"lstm": torch.cat([curve, empty]), "too few": torch.cat([curve[1:], empty])})
    (axes,) = figure.axes
    first, second = axes.lines
    assert first.get_xydata().tolist() == [[0.25, 2.0], [0.75, 6.0]]  # type: ignore[union-attr]  # its arrays are
    assert second.get_ydata().tolist() == pytest.approx(curve[1:].mean(0).tolist())  # type: ignore[union-attr]  # typed too wide
    (band,) = [drawn for drawn in axes.collections if isinstance(drawn, PolyCollection)]
    heights = {round(y, 6) for y in torch.as_tensor(band.get_paths()[0].vertices)[:, 1].tolist()}
    # Each value is 1 and 2 away from its mean: variance 30/29 and four times that, over 30 texts.
    error = 1.96 / 29**0.5
    assert heights == {round(2 + sign * error, 6) for sign in (-1, 1)} | {
        round(6 + sign * 2 * error, 6) for sign in (-1, 1)
    }
    legend = axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["lstm", "too few"]


def test_a_token_is_shown_as_it_is(tmp_path: Path) -> None:
    tokens = ["$x^2$", "<b>", r"\frac", "film", "film"]
    figure = plot_tokens(tokens, torch.tensor([0.1, 0.2, 0.3, 0.0, 0.4]))
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == tokens
    widths = [bar.get_width() for bar in axes.patches]  # type: ignore[attr-defined]  # bars are rectangles
    assert widths == pytest.approx([0.1, 0.2, 0.3, 0.0, 0.4])
    top, bottom = axes.get_ylim()
    assert top > bottom  # the first token on top
    figure.savefig(tmp_path / "tokens.svg")
    assert (tmp_path / "tokens.svg").read_text().count("<svg") == 1


def test_a_text_without_tokens_is_drawn(tmp_path: Path) -> None:
    figure = plot_tokens([], torch.zeros(0))
    assert isinstance(figure, Figure)
    figure.savefig(tmp_path / "none.png")


def without_matplotlib(script: str) -> str:
    hidden = "import sys\nsys.modules.update(matplotlib=None)\n"
    run = subprocess.run([sys.executable, "-c", hidden + script], capture_output=True, text=True, check=True)
    return run.stdout


def test_without_matplotlib_the_plots_name_their_cure() -> None:
    script = "try: import seqpool.analysis.plots\nexcept ModuleNotFoundError as error: print(error)"
    assert without_matplotlib(script) == ("seqpool.analysis.plots needs matplotlib: pip install 'seqpool[analysis]'\n")


def test_without_matplotlib_the_rest_works() -> None:
    script = "import torch, seqpool; from seqpool.analysis import *\n"
    script += "print(by_position(seqpool.view(torch.zeros(1, 2, 1)), torch.ones(1, 2), buckets=1).tolist())"
    assert without_matplotlib(script) == "[[1.0]]\n"
