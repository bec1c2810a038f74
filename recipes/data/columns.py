"""Which columns and splits of a dataset are the texts and labels."""

from collections.abc import Iterable
from dataclasses import dataclass

from datasets import (  # type: ignore[import-untyped]  # it has no types
    ClassLabel,
    Dataset,
    DatasetDict,
    Features,
    Value,
)


@dataclass(frozen=True, kw_only=True)
class Columns:  # without @final: jsonargparse refuses an instance of a final class as a default
    """Which columns and splits of a dataset to read.

    Args:
        text: Column of the texts; by default the only one of strings, or the one named so.
        label: Column of the labels; by default the only one of class labels, else of integers, or the one named so.
        train: Split to train on.
        validation: Split to choose a checkpoint by; where there is none, a tenth of the training split.
        test: Split to report on.
    """

    text: str | None = None
    label: str | None = None
    train: str = "train"
    validation: str = "validation"
    test: str = "test"


TEXT_TYPES = ["string", "large_string"]
USUAL = Columns()
"""Columns found by their types, splits by their usual names."""


def labelled(tables: DatasetDict, columns: Columns) -> dict[str, Dataset]:
    """The splits that exist and have labels, each with the columns `text` and `label` alone."""
    if columns.train not in tables:
        raise ValueError(f"the dataset needs a split {columns.train!r} to train on, it has {_names(tables)}")
    features = tables[columns.train].features
    text = columns.text or _only_column(features, "text", TEXT_TYPES)
    label = columns.label or _only_column(features, "label", ["class label"], ["int64", "int32", "int16", "int8"])
    for column in (text, label):
        if column not in features:
            raise ValueError(f"the dataset has no column {column!r}, its columns are {_names(features)}")
    if getattr(features[text], "dtype", None) not in TEXT_TYPES:
        raise ValueError(f"the column {text!r} must hold texts, it holds {features[text]}: name another, columns.text")
    classes = _classes(tables[columns.train], label)
    wanted = {"train": columns.train, "validation": columns.validation, "test": columns.test}
    if columns.validation == columns.test:
        del wanted["validation"]
    splits = {
        key: _two_columns(tables[theirs], text, label, classes) for key, theirs in wanted.items() if theirs in tables
    }
    if not len(splits["train"]):
        raise ValueError(f"the split {columns.train!r} has no labelled text in the columns {text!r} and {label!r}")
    return {key: split for key, split in splits.items() if len(split)}


def _only_column(features: Features, role: str, *kinds: list[str]) -> str:
    """The one column of the first kind that has any; of several, the one that is named as its role."""
    types = {
        name: "class label" if isinstance(feature, ClassLabel) else getattr(feature, "dtype", None)
        for name, feature in features.items()
    }
    for kind in kinds:
        found = [name for name, of in types.items() if of in kind]
        if len(found) == 1 or role in found:
            return role if role in found else found[0]
        if found:
            raise ValueError(f"several columns may be the {role}, {_names(found)}: choose one with columns.{role}")
    raise ValueError(f"no column looks like the {role}, they are {_names(features)}: name it with columns.{role}")


def _classes(train: Dataset, label: str) -> ClassLabel:
    feature = train.features[label]
    if isinstance(feature, ClassLabel):
        return feature
    return ClassLabel(names=[str(value) for value in sorted(set(train[label]) - {None})])


def _two_columns(split: Dataset, text: str, label: str, classes: ClassLabel) -> Dataset:
    """Texts and labels alone; rows without a label (`None`, -1) are left out, no text is an empty text."""
    for column in (text, label):
        if column not in split.features:
            raise ValueError(f"a split has no column {column!r}, its columns are {_names(split.features)}")
    values = split[label]
    given = isinstance(split.features[label], ClassLabel)
    known = set(classes.names)
    unknown = [] if given else sorted({str(value) for value in values if value is not None} - known)
    if unknown:
        raise ValueError(f"the labels {unknown[:5]} are in no training text, those have {classes.names[:5]}, ...")
    rows = [
        (one or "", value if given else classes.str2int(str(value)))
        for one, value in zip(split[text], values, strict=True)
        if value is not None and not (given and value < 0)
    ]
    columns = {"text": [one for one, _ in rows], "label": [value for _, value in rows]}
    return Dataset.from_dict(columns, features=Features({"text": Value("string"), "label": classes}))


def _names(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names))
