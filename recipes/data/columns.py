"""Which columns of a dataset are its texts and its labels."""

from collections.abc import Iterable
from dataclasses import dataclass

from datasets import (  # type: ignore[import-untyped]  # it has no types
    ClassLabel,
    Features,
    LargeList,
    List,
    Value,
)

TEXTS = {"string", "large_string"}
NUMBERS = {"bool", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))}
# Numbers with a gap become floats in most files; `LabelColumn` takes whole ones alone.
FLOATS = {"float32", "float64"}


@dataclass(frozen=True, kw_only=True)
class Columns:  # without @final: jsonargparse refuses an instance of a final class as a default
    """Which columns and splits of a dataset to read.

    Args:
        text: Column of the texts; by default the one named so, else the only one of strings beside the label.
        label: Column of the labels; by default the one named so, else the only one of class labels, of integers, or of
            strings beside the text.
        train: Split to train on.
        validation: Split to choose a checkpoint by; where there is none, a tenth of the training split.
        test: Split to report on.
    """

    text: str | None = None
    label: str | None = None
    train: str = "train"
    validation: str = "validation"
    test: str = "test"


USUAL = Columns()
"""Columns found by their names and types, splits by their usual names."""


def choose_columns(features: Features, columns: Columns) -> tuple[str, str]:
    """The names of the text and label columns.

    Raises:
        ValueError: a column is missing, of the wrong type, or one of several that may be meant.
    """
    kinds = {name: _kind(feature) for name, feature in features.items()}
    label = columns.label or _find_label(kinds, columns.text)
    text = columns.text or _find("text", {name: kind for name, kind in kinds.items() if name != label}, "string")
    if text is None:
        raise ValueError(f"no column looks like the text, they are {names(kinds)}: name it with columns.text")
    for column in (text, label):
        if column not in kinds:
            raise ValueError(f"the dataset has no column {column!r}, its columns are {names(kinds)}")
    if kinds[text] != "string":
        raise ValueError(f"a column of strings is needed as text, {text!r} holds {features[text]}: choose columns.text")
    if kinds[label] == "list":
        raise ValueError(
            f"one label a text is needed, the column {label!r} holds lists of them (multi-label): "
            "choose another with columns.label"
        )
    if kinds[label] == "other":
        raise ValueError(
            f"class labels, strings or whole numbers are needed as labels, {label!r} holds {features[label]}: "
            "choose columns.label"
        )
    return text, label


def string_columns(features: Features) -> list[str]:
    """The columns that can be texts."""
    return [name for name, feature in features.items() if _kind(feature) == "string"]


def names(values: Iterable[str]) -> str:
    """Values for a message: quoted, the first ten of many."""
    every = list(values)
    return ", ".join(map(repr, every[:10])) + (", ..." if len(every) > 10 else "")


def _kind(feature: object) -> str:
    if isinstance(feature, ClassLabel):
        return "class label"
    if isinstance(feature, List | LargeList | list):
        return "list"
    if isinstance(feature, Value):
        kinds = {"string": TEXTS, "number": NUMBERS, "float": FLOATS}
        return next((kind for kind, dtypes in kinds.items() if feature.dtype in dtypes), "other")
    return "other"


def _find_label(kinds: dict[str, str], text: str | None) -> str:
    others = {name: kind for name, kind in kinds.items() if name != text}
    for kind in ("class label", "number", "list"):
        if found := _find("label", others, kind):
            return found
    strings = [name for name, kind in kinds.items() if kind == "string"]
    text = text or ("text" if "text" in strings else None)
    if text in strings and len(strings) == 2:
        return next(name for name in strings if name != text)
    raise ValueError(f"no column looks like the label, they are {names(kinds)}: name it with columns.label")


def _find(role: str, kinds: dict[str, str], kind: str) -> str | None:
    """The column named as its role, else the only one of its kind."""
    if role in kinds:
        return role
    found = [name for name, of in kinds.items() if of == kind]
    if len(found) > 1:
        raise ValueError(f"several columns may be the {role}, {names(found)}: choose one with columns.{role}")
    return found[0] if found else None
