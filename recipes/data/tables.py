"""Splits in memory: texts and labels alone, and a validation split where there is none."""

from collections import Counter
from collections.abc import Mapping

from datasets import (  # type: ignore[import-untyped]  # it has no types
    ClassLabel,
    Dataset,
    Features,
    Value,
    concatenate_datasets,
)

from recipes.data.columns import Columns, choose_columns, names
from recipes.data.labels import LabelColumn, known

VALIDATION_SHARE = 0.1
"""Part of the training split that stands in for a missing validation split."""

Row = tuple[str, str | None]


def labelled(tables: Mapping[str, Dataset], columns: Columns) -> dict[str, Dataset]:
    """The splits that exist and have labels, each with the columns `text` and `label` alone.

    Raises:
        ValueError: a column or the training split is missing, or a text or label is not one.
    """
    wanted = wanted_splits(tables, columns)
    text, label = choose_columns(tables[columns.train].features, columns)
    reader = LabelColumn(label, tables[columns.train].features[label])
    rows = {key: _rows(key, tables[theirs], text, reader) for key, theirs in wanted.items()}
    classes = reader.classes({name for _, name in rows["train"] if name is not None})
    numbers = {name: number for number, name in enumerate(classes)}
    features = Features({"text": Value("string"), "label": ClassLabel(names=classes)})
    splits = {}
    for key, every in rows.items():
        kept = [(one, numbers[name]) for one, name in every if name is not None and known(name, numbers)]
        if kept:
            made = {"text": [one for one, _ in kept], "label": [number for _, number in kept]}
            splits[key] = Dataset.from_dict(made, features=features)
    if "train" not in splits:
        raise ValueError(f"the split {columns.train!r} has no labelled text in the columns {text!r} and {label!r}")
    return splits


def wanted_splits(tables: Mapping[str, object], columns: Columns) -> dict[str, str]:
    """Which of the dataset's splits serves as which; validation may serve as test, then it is cut from train.

    Raises:
        ValueError: there is no split to train on.
    """
    if columns.train not in tables:
        raise ValueError(f"the dataset needs a split {columns.train!r} to train on, it has {names(tables)}")
    wanted = {"train": columns.train, "validation": columns.validation, "test": columns.test}
    if columns.validation == columns.test:
        del wanted["validation"]
    return {key: theirs for key, theirs in wanted.items() if theirs in tables}


def cut(train: Dataset, seed: int) -> tuple[Dataset, Dataset, str]:
    """Cut a validation split: what is left to train on, the split, and how it was cut.

    Stratified. A class of one text stays whole in the training split; where there are more classes than texts to cut,
    they are drawn without regard to class.

    Raises:
        ValueError: there are fewer than two texts.
    """
    if len(train) < 2:
        raise ValueError(f"no validation split, and none can be cut from {len(train)} training texts")
    counts = Counter(train["label"])
    alone = {label for label, texts in counts.items() if texts == 1}
    rest = [row for row, label in enumerate(train["label"]) if label not in alone]
    kept = train.select([row for row, label in enumerate(train["label"]) if label in alone])
    size = round(VALIDATION_SHARE * len(rest))
    if size < len(counts) - len(alone) or not rest:
        parts = train.train_test_split(test_size=max(1, round(VALIDATION_SHARE * len(train))), seed=seed)
        how = f"drawn from train by seed {seed}, not stratified: fewer texts than classes"
        return parts["train"], parts["test"], how
    parts = train.select(rest).train_test_split(test_size=size, seed=seed, stratify_by_column="label")
    how = f"cut from train, stratified by seed {seed}"
    if alone:
        how += f", but for {len(alone)} classes of one text, which stay in train"
    return concatenate_datasets([parts["train"], kept]), parts["test"], how


def _rows(key: str, table: Dataset, text: str, reader: LabelColumn) -> list[Row]:
    """Texts with the names of their classes; no text is an empty text."""
    if not len(table):
        raise ValueError(f"the split for {key} is empty: leave it out, or choose another with columns.{key}")
    for column in (text, reader.column):
        if column not in table.features:
            raise ValueError(f"the split for {key} has no column {column!r}, its columns are {names(table.features)}")
    return [
        (checked_text(one, text), reader.name(value))
        for one, value in zip(table[text], table[reader.column], strict=True)
    ]


def checked_text(value: object, column: str) -> str:
    """A text as it is, nothing as an empty one.

    Raises:
        ValueError: it is neither.
    """
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"texts must be strings, {value!r} came in the column {column!r}")
    return value
