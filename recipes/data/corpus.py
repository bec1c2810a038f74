"""A corpus is splits of text and label: the embedded docstrings, or any dataset that Hugging Face `datasets` loads."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import final

from datasets import (  # type: ignore[import-untyped]  # it has no types
    Dataset,
    DatasetDict,
    load_dataset,
    load_from_disk,
)
from datasets.exceptions import DatasetsError  # type: ignore[import-untyped]  # it has no types

from recipes.data.columns import Columns, labelled
from recipes.data.docstrings import load_docstrings
from recipes.data.packages import default_packages

VALIDATION_SHARE = 0.1
"""Part of the training split that stands in for a missing validation split."""


@final
@dataclass(frozen=True, kw_only=True)
class Corpus:
    """Labelled texts in splits, with what a report needs to say about them."""

    path: str
    splits: DatasetDict
    versions: dict[str, str]

    @property
    def labels(self) -> list[str]:
        """Names of the classes."""
        names: list[str] = self.splits["train"].features["label"].names
        return names

    @cached_property
    def content(self) -> str:
        """Hash of every text and label in every split."""
        digest = hashlib.sha256()
        for name, split in self.splits.items():
            digest.update(f"{name} {len(split)}\n".encode())
            for text, label in zip(split["text"], split["label"], strict=True):
                digest.update(f"{self.labels[label]}\t{text}\0".encode())
        return digest.hexdigest()[:12]

    def describe(self) -> dict[str, str]:
        """What a report says: what the corpus holds, and the versions that it depends on."""
        sizes = ", ".join(f"{len(split):,} {name}" for name, split in self.splits.items())
        return {
            "data": f"{self.path}, content {self.content}, {len(self.labels)} classes, texts: {sizes}",
            "data versions": ", ".join(f"{name} {version}" for name, version in self.versions.items()),
        }


def load_corpus(
    path: str, *, name: str | None = None, columns: Columns, max_texts: int | None = None, seed: int = 0
) -> Corpus:
    """Load `docstrings`, a dataset of the hub, or a local folder.

    Args:
        path: `docstrings`, a hub id, or a folder.
        name: Configuration of a dataset that has several.
        columns: Columns and splits to read.
        max_texts: At most so many texts a split, drawn at random.
        seed: Of the draw, and of the cut where there is no validation split.

    Raises:
        ValueError: the dataset cannot be loaded, or lacks a column or split.
    """
    if path == "docstrings":
        packages = default_packages()
        tables, versions = load_docstrings(packages), {package.name: package.version for package in packages}
    else:
        tables, versions = _load(path, name), {"datasets": metadata.version("datasets")}
    splits = labelled(tables, columns)
    if "validation" not in splits:
        splits |= _cut(splits["train"], seed)
    if max_texts is not None:
        splits = {key: split.shuffle(seed=seed).take(min(max_texts, len(split))) for key, split in splits.items()}
    order = [key for key in ("train", "validation", "test") if key in splits]
    return Corpus(path=path, splits=DatasetDict({key: splits[key] for key in order}), versions=versions)


def _load(path: str, name: str | None) -> DatasetDict:
    if path.startswith((".", "/", "~")) and not Path(path).is_dir():
        raise ValueError(f"the dataset must be `docstrings`, a hub id or a folder: there is no folder {path!r}")
    try:
        if Path(path, "dataset_dict.json").is_file():
            return load_from_disk(path)
        return load_dataset(path, name)
    except IndexError as error:
        raise ValueError(f"the dataset {path!r} cannot be loaded: a split that was saved has no rows") from error
    except (DatasetsError, OSError, ValueError, RuntimeError) as error:
        said = str(error).removeprefix("An error occurred while generating the dataset").strip() or str(error.__cause__)
        reason = " ".join(said.strip().split("\n\n")[0].split())
        raise ValueError(f"the dataset {path!r} cannot be loaded: {reason}") from error


def _cut(train: Dataset, seed: int) -> dict[str, Dataset]:
    """A validation split from the training split, every class in both."""
    try:
        parts = train.train_test_split(test_size=VALIDATION_SHARE, seed=seed, stratify_by_column="label")
    except ValueError as error:
        raise ValueError(
            f"no validation split, and none can be cut from {len(train)} training texts: {error}"
        ) from error
    return {"train": parts["train"], "validation": parts["test"]}
