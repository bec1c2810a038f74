"""Markdown: tables and links, with what comes from files written so that it reads as text."""

import html
import math
from collections.abc import Iterator, Sequence

from benchmarks.evidence.raw import Raw
from benchmarks.evidence.section import Number

Plots = dict[str, list[tuple[str, str]]]
"""By study, the title of each plot and its file as a link."""
SPECIAL = str.maketrans({char: f"\\{char}" for char in "\\|*_`[]~$"})


def plain(text: str) -> str:
    """Text that Markdown leaves as it is."""
    return html.escape(" ".join(text.split()), quote=False).translate(SPECIAL)


def table(heads: Sequence[str], rows: Iterator[Sequence[str]] | Sequence[Sequence[str]]) -> Iterator[str]:
    """A table; the cells are Markdown already."""
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    yield from (f"| {' | '.join(row)} |" for row in rows)


def linked(file: Raw) -> str:
    """The raw rows' file, as a link from beside the folder of results."""
    return f"[{plain(file.path.name)}]({file.path.parent.name}/{file.path.name})"


def written(number: Number | None, form: str = ".3f") -> str:
    """A number with its interval and its note; nothing for none."""
    if number is None:
        return ""
    values = [formatted(value, form) for value in (number.value, number.low, number.high) if value is not None]
    said = values[0] if len(values) == 1 else f"{values[0]} [{values[1]}, {values[2]}]"
    return ", ".join(filter(None, (said, plain(number.note))))


def formatted(value: float, form: str) -> str:
    """A number, or that it is none of those that can be written."""
    if math.isnan(value):
        return "not finite"
    return format(value, form) if math.isfinite(value) else "∞" if value > 0 else "-∞"
