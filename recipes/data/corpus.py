"""A corpus is splits of text and label: an embedded dataset, or any dataset that Hugging Face `datasets` loads."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any, final

from datasets import Dataset  # type: ignore[import-untyped]  # it has no types

from recipes.data.columns import Columns
from recipes.data.docstrings import load_docstrings
from recipes.data.packages import default_packages
from recipes.data.probes import PROBES_VERSION, load_probe
from recipes.data.sources import open_tables
from recipes.data.survey import survey
from recipes.data.tables import cut, labelled

ORDER = ("train", "validation", "test")


@final
@dataclass(frozen=True, kw_only=True)
class Corpus:
    """Labelled texts in splits, with what a report needs to say about them.

    Args:
        path: Where it came from.
        splits: Rows of `text` and `label`; a table, or, streamed, something that is read anew at every pass.
        labels: Names of the classes.
        content: Hash of every text and label in every split.
        versions: Of whatever the content depends on.
        sample: Training texts to learn a vocabulary from.
        notes: What else a report should say.
    """

    path: str
    splits: Mapping[str, Any]  # `Dataset` has no types; a `StreamedSplit` gives the same rows
    labels: list[str]
    content: str
    versions: dict[str, str]
    sample: Iterable[str]
    notes: dict[str, str] = field(default_factory=dict)

    def describe(self) -> dict[str, str]:
        """What a report says: what the corpus holds, and the versions that it depends on."""
        sizes = ", ".join(f"{len(split):,} {name}" for name, split in self.splits.items())
        return {
            "data": f"{self.path}, content {self.content}, {len(self.labels)} classes, texts: {sizes}",
            "data versions": ", ".join(f"{name} {version}" for name, version in self.versions.items()),
        } | self.notes


def load_corpus(
    path: str,
    *,
    name: str | None = None,
    revision: str | None = None,
    columns: Columns,
    max_texts: int | None = None,
    seed: int = 0,
) -> Corpus:
    """Load a corpus into memory.

    Args:
        path: `docstrings`, `probes`, a hub id, a folder, or a file.
        name: Configuration of a dataset that has several; of `probes`, the task and the length.
        revision: Branch, tag or commit of a dataset of the hub.
        columns: Columns and splits to read.
        max_texts: At most so many texts a split, drawn at random.
        seed: Of the draw, and of the cut where there is no validation split.

    Raises:
        ValueError: the dataset cannot be loaded, or lacks a column or split.
    """
    if path == "docstrings":
        packages = default_packages()
        tables, versions = load_docstrings(packages), {package.name: package.version for package in packages}
    elif path == "probes":
        tables, versions = load_probe(name), {"probes": PROBES_VERSION}
    else:
        tables, versions = open_tables(path, name, revision, streaming=False), _versions()
    splits = labelled(tables, columns)
    notes = {}
    if "validation" not in splits:
        splits["train"], splits["validation"], notes["validation"] = cut(splits["train"], seed)
    if max_texts is not None:
        splits = {key: split.shuffle(seed=seed).take(min(max_texts, len(split))) for key, split in splits.items()}
    splits = {key: splits[key] for key in ORDER if key in splits}
    return Corpus(
        path=path,
        splits=splits,
        labels=splits["train"].features["label"].names,
        content=_content(splits),
        versions=versions,
        sample=splits["train"]["text"],
        notes=notes,
    )


def stream_corpus(
    path: str,
    *,
    name: str | None = None,
    revision: str | None = None,
    columns: Columns,
    sample_texts: int,
    sample_characters: int,
    seed: int = 0,
) -> Corpus:
    """Read a corpus once without holding it.

    Args:
        path: A hub id, a folder, or a file.
        name: Configuration of a dataset that has several.
        revision: Branch, tag or commit of a dataset of the hub.
        columns: Columns and splits to read.
        sample_texts: Training texts to keep for the vocabulary, drawn at random.
        sample_characters: How much of each.
        seed: Of the draw, and of the cut where there is no validation split.

    Raises:
        ValueError: as in `load_corpus`, or the dataset is an embedded one.
    """
    if path in ("docstrings", "probes"):
        raise ValueError(f"streaming is for hub datasets, folders and files; {path!r} is made in memory: leave it out")
    tables: Mapping[str, Any] = open_tables(path, name, revision, streaming=True)
    found = survey(path, tables, columns, texts=sample_texts, characters=sample_characters, seed=seed)
    return Corpus(
        path=path,
        splits={key: found.splits[key] for key in ORDER if key in found.splits},
        labels=found.classes,
        content=found.content,
        versions=_versions(),
        sample=found.sample,
        notes=found.notes | {"streaming": f"vocabulary of {len(found.sample):,} training texts drawn at random"},
    )


def _versions() -> dict[str, str]:
    return {"datasets": metadata.version("datasets")}


def _content(splits: Mapping[str, Dataset]) -> str:
    digest = hashlib.sha256()
    for name, split in splits.items():
        digest.update(f"{name} {len(split)}\n".encode())
        labels = split.features["label"].names
        for text, label in zip(split["text"], split["label"], strict=True):
            digest.update(f"{labels[label]}\t{text}\0".encode())
    return digest.hexdigest()[:12]
