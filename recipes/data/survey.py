"""The first pass over a corpus that does not fit in memory: what is in it."""

import hashlib
import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import final

from datasets import (  # type: ignore[import-untyped]  # it has no types
    Dataset,
    Features,
    IterableDataset,
)

from recipes.data.columns import Columns, choose_columns
from recipes.data.labels import LabelColumn
from recipes.data.sources import ERRORS, unreadable
from recipes.data.streaming import CUT_ONE_IN, Part, Source, StreamedSplit
from recipes.data.tables import wanted_splits

PEEKED = 100
"""Rows that show the types of columns where the files do not say."""


@final
@dataclass(kw_only=True)
class Survey:
    """What the first pass over every split has found."""

    splits: dict[str, StreamedSplit]
    classes: list[str]
    content: str
    sample: list[str]
    notes: dict[str, str]


def survey(
    path: str, tables: Mapping[str, IterableDataset], columns: Columns, *, texts: int, characters: int, seed: int
) -> Survey:
    """Read every split once: check it, count it, hash it, find the classes, draw `texts` texts for a vocabulary.

    Raises:
        ValueError: a column or the training split is missing, a text or label is not one, or nothing is left.
    """
    wanted = wanted_splits(tables, columns)
    splits, notes = _sources(path, tables, columns, wanted, seed)
    train, found, digest = splits["train"], Counter[str](), hashlib.sha256(b"train\n")
    sample = Sample(texts, characters, seed)
    for text, name in train.part(iter(train.source)):
        found[name] += 1
        sample.add(text)
        digest.update(f"{name}\t{text}\0".encode())
    classes = train.source.reader.classes(found)
    train.size, numbers = found.total(), {name: number for number, name in enumerate(classes)}
    for key, split in splits.items():
        split.numbers = numbers
        if split is not train:
            split.size = _count(key, split, digest)
    kept = {key: split for key, split in splits.items() if split.size}
    return Survey(splits=kept, classes=classes, content=digest.hexdigest()[:12], sample=sample.texts, notes=notes)


def _count(key: str, split: StreamedSplit, digest: "hashlib._Hash") -> int:
    size = 0
    digest.update(f"{key}\n".encode())
    for row in split:
        size += 1
        digest.update(f"{row['label']}\t{row['text']}\0".encode())
    if not size and split.part.validation:
        raise ValueError(
            "too few texts to cut a validation split as they are streamed, no class of the training texts has "
            f"{CUT_ONE_IN}: leave streaming out"
        )
    if not size and key != "test":
        raise ValueError(f"the split for {key} has no labelled text: choose another with columns.{key}")
    return size


@final
class Sample:
    """A draw of so many texts, each as likely as any other, from texts that come one by one."""

    def __init__(self, size: int, characters: int, seed: int) -> None:
        self.texts: list[str] = []
        self._size, self._characters, self._seen, self._random = size, characters, 0, random.Random(seed)

    def add(self, text: str) -> None:
        """Keep the beginning of a text, or do not."""
        self._seen += 1
        if len(self.texts) < self._size:
            self.texts.append(text[: self._characters])
        elif (place := self._random.randrange(self._seen)) < self._size:
            self.texts[place] = text[: self._characters]


def _sources(
    path: str, tables: Mapping[str, IterableDataset], columns: Columns, wanted: dict[str, str], seed: int
) -> tuple[dict[str, StreamedSplit], dict[str, str]]:
    features = features_of(path, tables[columns.train])
    text, label = choose_columns(features, columns)
    reader = LabelColumn(label, features[label])
    sources = {key: Source(path=path, rows=tables[theirs], text=text, reader=reader) for key, theirs in wanted.items()}
    splits = {key: StreamedSplit(source=source, part=Part()) for key, source in sources.items()}
    if "validation" in splits:
        return splits, {}
    splits["train"] = StreamedSplit(source=sources["train"], part=Part(seed=seed))
    splits["validation"] = StreamedSplit(source=sources["train"], part=Part(seed=seed, validation=True))
    return splits, {"validation": f"every tenth text of each class cut from train by seed {seed}"}


def features_of(path: str, rows: IterableDataset) -> Features:
    """Types of the columns, seen in the first rows where the files do not say.

    Raises:
        ValueError: the rows cannot be read, or there is none.
    """
    if rows.features is not None:
        return rows.features
    try:
        peeked = list(islice(iter(rows), PEEKED))
    except ERRORS as error:
        raise unreadable(path, error) from error
    if not peeked:
        raise ValueError(f"the dataset {path!r} has no row")
    return Dataset.from_list(peeked).features
