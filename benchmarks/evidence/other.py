"""A file of results of no kind known: its rows as they are, each number linked to itself."""

from collections.abc import Iterator, Sequence

from benchmarks.evidence.markdown import linked, plain, table
from benchmarks.evidence.raw import Raw, Source
from benchmarks.evidence.section import Choice, Column, Line, Number, Section, seen

MOST_ROWS = 60
MOST_VALUES = 40
"""Whole numbers of at most so many values name a row, as a seed or an amount of padding."""


def sections(files: Sequence[Raw]) -> Iterator[Section]:
    """One for each file that has a number in it."""
    for file in files:
        texts = [not _numbers(values) for values in zip(*file.rows, strict=True)]
        for index, values in enumerate(zip(*file.rows, strict=True)):
            names = set(values)
            texts[index] |= index < len(texts) - 1 and len(names) <= MOST_VALUES and all(map(str.isdecimal, names))
        if not all(texts):
            yield _section(file, texts)


def _section(file: Raw, texts: Sequence[bool]) -> Section:
    lines = [_line(file, texts, number, row) for number, row in enumerate(file.rows, 1)]
    columns = [Column(name.replace("_", " "), text=text) for name, text in zip(file.columns, texts, strict=True)]
    named = [index for index, text in enumerate(texts) if text]
    choices = [Choice(index, found) for index in named if 1 < len(found := seen(lines, index)) <= MOST_VALUES]
    plotted = max(index for index, text in enumerate(texts) if not text)
    return Section(file.name, file.name, columns, lines, choices, named, plotted, "not measured")


def _line(file: Raw, texts: Sequence[bool], number: int, row: Sequence[str]) -> Line:
    source = Source(file.name, (number,))
    return tuple(
        cell if text else Number(float(cell), source) if cell else None for cell, text in zip(row, texts, strict=True)
    )


def _numbers(values: Sequence[str]) -> bool:
    try:
        return bool([float(value) for value in values if value])
    except ValueError:
        return False


def report(files: Sequence[Raw]) -> Iterator[str]:
    """Short files as a table, what is the same in every row above it; of long ones their size."""
    for file in files:
        yield from (f"## {plain(file.name)}", "", f"{len(file.rows)} rows: {linked(file)}.", "")
        if not 1 < len(file.rows) <= MOST_ROWS:
            continue
        columns = list(zip(file.columns, zip(*file.rows, strict=True), strict=True))
        same = [f"{plain(name)} {plain(values[0])}" for name, values in columns if len(set(values)) == 1]
        differing = {plain(name): map(_short, values) for name, values in columns if len(set(values)) > 1}
        yield from ([f"In every row: {'; '.join(same)}.", ""] if same else [])
        yield from (*table(list(differing), list(zip(*differing.values(), strict=True))), "")


def _short(text: str) -> str:
    """A number with a point to four digits, all else as it is."""
    return f"{float(text):.4g}" if "." in text and _numbers([text]) else plain(text)
