"""Splits that are read anew at every pass, for corpora that do not fit in memory."""

import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, final

from datasets import IterableDataset  # type: ignore[import-untyped]  # it has no types

from recipes.data.columns import names
from recipes.data.labels import LabelColumn, known
from recipes.data.sources import ERRORS, unreadable
from recipes.data.tables import checked_text

CUT_ONE_IN = 10
"""One text of so many, class by class, stands in for a missing validation split."""

Named = tuple[str, str]


@final
@dataclass(kw_only=True)
class Source:
    """One of the dataset's own splits, as texts and names of classes; unlabelled ones are left out.

    Args:
        path: What to call the dataset in a message.
        rows: The rows.
        text: Column of the texts.
        reader: Reads the column of the labels.
    """

    path: str
    rows: IterableDataset
    text: str
    reader: LabelColumn

    def __iter__(self) -> Iterator[Named]:
        rows = iter(self.rows)
        while True:
            try:
                row = next(rows)
            except StopIteration:
                return
            except ERRORS as error:
                raise unreadable(self.path, error) from error
            for column in (self.text, self.reader.column):
                if column not in row:
                    raise ValueError(f"a row has no column {column!r}, its columns are {names(row)}")
            name = self.reader.name(row[self.reader.column])
            if name is not None:
                yield checked_text(row[self.text], self.text), name


@final
@dataclass(frozen=True, kw_only=True)
class Part:
    """Which rows of a source a split takes: all, or those that `cut` says.

    Args:
        seed: Of the cut; `None` takes all.
        validation: Whether it takes what is cut, or leaves it.
    """

    seed: int | None = None
    validation: bool = False

    def __call__(self, rows: Iterator[Named]) -> Iterator[Named]:
        """The rows it takes."""
        if self.seed is None:
            yield from rows
            return
        seen: Counter[str] = Counter()
        for text, name in rows:
            # Never the first of a class, so that each is trained on.
            offset = zlib.crc32(f"{self.seed} {name}".encode()) % (CUT_ONE_IN - 1)
            if ((seen[name] + offset) % CUT_ONE_IN == CUT_ONE_IN - 1) == self.validation:
                yield text, name
            seen[name] += 1


@final
@dataclass(kw_only=True)
class StreamedSplit:
    """Rows of `text` and `label`, as many as the first pass has counted."""

    source: Source
    part: Part
    numbers: dict[str, int] = field(default_factory=dict)
    size: int = 0

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for text, name in self.part(iter(self.source)):
            if known(name, self.numbers):
                yield {"text": text, "label": self.numbers[name]}

    def __len__(self) -> int:
        return self.size
