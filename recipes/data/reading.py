"""Texts to predict: lines, the column of a file, or a split of a dataset, read as they are needed."""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, final

from recipes.data.columns import USUAL, Columns, names, string_columns
from recipes.data.docstrings import load_docstrings
from recipes.data.packages import default_packages
from recipes.data.probes import load_probe
from recipes.data.sources import ERRORS, OTHERS, TABLES, open_tables, unreadable
from recipes.data.survey import features_of
from recipes.data.tables import checked_text
from recipes.gate import RunError

STDIN = "-"
FORMATS = (TABLES | OTHERS) - {".txt"}
"""Endings of files with columns; any other file is read line by line."""


@final
@dataclass(frozen=True, kw_only=True)
class TextSource:
    """Where texts come from.

    Args:
        input: `-` for lines of standard input, a file (CSV, TSV, JSON lines, Parquet; any other has a text a line), a
            folder, an id on the Hugging Face hub, `docstrings`, or `probes`.
        name: Configuration of a dataset that has several.
        revision: Branch, tag or commit of a dataset of the hub.
        split: Split to read; `test` by default, or the only one.
        column: Column of the texts; by default the one that the classifier was trained on, else the one named `text`,
            else the only one of strings beside the label.
    """

    input: str = STDIN
    name: str | None = None
    revision: str | None = None
    split: str | None = None
    column: str | None = None


def open_texts(source: TextSource, *, trained: Columns = USUAL) -> Iterator[str]:
    """The texts in their order, an empty one where there is none; `trained` are the columns of the training.

    Raises:
        ValueError: there is nothing to read, no such split, or no column of texts.
        RunError: from the iterator, a text cannot be read.
    """
    path = Path(source.input).expanduser()
    if source.input == STDIN:
        return _lines(sys.stdin.buffer, "standard input")
    if not FORMATS & {suffix.lower() for suffix in path.suffixes}:
        if path.is_file():
            return _lines(path.open("rb"), repr(source.input))
        if path.suffix.lower() == ".txt":
            raise ValueError(f"there is no file {source.input!r}")
    elif not path.exists():
        raise ValueError(f"there is no file {source.input!r}")
    table = _split(_tables(source), source)
    return _rows(source, table, _column(source, features_of(source.input, table), trained))


def _tables(source: TextSource) -> Mapping[str, Any]:
    if source.input == "docstrings":
        embedded: Mapping[str, Any] = load_docstrings(default_packages())
        return embedded
    if source.input == "probes":
        probe: Mapping[str, Any] = load_probe(source.name)
        return probe
    return open_tables(source.input, source.name, source.revision, streaming=True)


def _split(tables: Mapping[str, Any], source: TextSource) -> Any:
    if source.split is None and len(tables) == 1:
        return next(iter(tables.values()))
    wanted = source.split or "test"
    if wanted not in tables:
        raise ValueError(f"the dataset {source.input!r} has no split {wanted!r}, it has {names(tables)}: give --split")
    return tables[wanted]


def _column(source: TextSource, features: Any, trained: Columns) -> str:
    strings = string_columns(features)
    if source.column is not None:
        if source.column not in features:
            raise ValueError(f"{source.input!r} has no column {source.column!r}, its columns are {names(features)}")
        if source.column not in strings:
            raise ValueError(f"a column of strings is needed, {source.column!r} holds {features[source.column]}")
        return source.column
    for usual in (trained.text, "text"):
        if usual is not None and usual in strings:
            return usual
    strings = [column for column in strings if column != (trained.label or "label")]
    if len(strings) == 1:
        return strings[0]
    came = f"several may be, {names(strings)}" if strings else f"none of its columns does, {names(features)}"
    raise ValueError(f"which column of {source.input!r} holds the texts? {came}: name it with --column")


def _rows(source: TextSource, table: Any, column: str) -> Iterator[str]:
    rows = iter(table)
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except ERRORS as error:
            raise RunError(str(unreadable(source.input, error))) from error
        try:
            text = checked_text(row.get(column), column)
        except ValueError as error:
            raise RunError(str(error)) from error
        yield text


def _lines(stream: IO[bytes], name: str) -> Iterator[str]:
    with stream:
        for number, line in enumerate(stream, 1):
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise RunError(f"line {number} of {name} is no text in UTF-8: {error}") from error
            yield text.removesuffix("\n").removesuffix("\r")
