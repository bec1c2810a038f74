"""Markdown: tables and links, with what comes from files written so that it reads as text."""

import html
from collections.abc import Iterator, Sequence

from benchmarks.evidence.raw import Raw

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
