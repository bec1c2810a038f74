"""Explained predictions as coloured text, for the terminal and as HTML."""

import io
import re
from collections.abc import Mapping
from typing import IO, Any

from rich.color import Color
from rich.console import Console
from rich.style import Style
from rich.text import Text

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""What could steer a terminal or turn the direction of writing, and is nothing to look at."""

WARM = (255, 140, 0)
FAINT = 0.05
"""Of the greatest weight: less is not coloured."""

HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Predictions</title><style>
body {{ font: 16px/1.6 sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em; }}
pre {{ font: inherit; white-space: pre-wrap; overflow-wrap: anywhere; border-top: 1px solid #ccc; padding: 1em 0; margin: 0; }}
</style></head><body><p>{way}; the strongest colour is the greatest weight of each text.</p>
"""  # noqa: E501  # a line of CSS
FOOT = "</body></html>\n"


def explained(row: Mapping[str, Any]) -> Text:
    """Label and probability, and below them the text with its tokens coloured by their weights."""
    head = f"{_plain(row['label'])} {row['probability_' + row['label']]:.3f}\n"
    return Text.assemble((head, "bold"), coloured(row["text"], row["starts"], row["stops"], row["weights"]))


def coloured(text: str, starts: list[int], stops: list[int], weights: list[float]) -> Text:
    """A text whose tokens carry a colour, as strong as their share of the greatest weight.

    Example:
        >>> coloured("a pooler", [0, 2], [1, 8], [0.0, 3.0]).spans
        [Span(2, 8, Style(color=Color('black', ColorType.STANDARD, number=0), bgcolor=Color('#ff8c00', ...)))]
    """
    shown = Text(_plain(text))
    # Special tokens of a pretrained model stand for no part of the text.
    seen = [token for token in zip(starts, stops, weights, strict=True) if token[1] > token[0]]
    greatest = max((weight for *_, weight in seen), default=0.0)
    for start, stop, weight in seen:
        if weight > FAINT * greatest:
            shown.stylize(_style(weight / greatest), start, stop)
    return shown


def as_html(text: Text) -> str:
    """A block of HTML; what looks like markup in the text is escaped."""
    console = Console(record=True, file=io.StringIO(), force_terminal=True, color_system="truecolor", width=80)
    console.print(text, soft_wrap=True)
    return console.export_html(inline_styles=True, code_format="<pre>{code}</pre>\n")


def write_head(file: IO[str], way: str) -> None:
    """Begin the page."""
    file.write(HEAD.format(way=way))


def _style(share: float) -> Style:
    red, green, blue = (round(255 - share * (255 - one)) for one in WARM)
    return Style(color="black", bgcolor=Color.from_rgb(red, green, blue))


def _plain(text: str) -> str:
    return CONTROL.sub("\ufffd", text)
