import math
from typing import Any

import pytest
from datasets import (  # type: ignore[import-untyped]  # it has no types
    ClassLabel,
    Features,
    List,
    Value,
)

from recipes.data.columns import USUAL, Columns, choose_columns
from recipes.data.labels import LabelColumn, known

STRING, INT, FLOAT, CLASS = Value("string"), Value("int64"), Value("float64"), ClassLabel(names=["a", "b"])


@pytest.mark.parametrize(
    ("features", "columns", "chosen"),
    [
        ({"text": STRING, "label": STRING}, USUAL, ("text", "label")),
        ({"id": INT, "text": STRING, "label": STRING}, USUAL, ("text", "label")),
        ({"idx": INT, "sentence": STRING, "label": CLASS}, USUAL, ("sentence", "label")),
        ({"text": STRING, "label": INT, "label_text": STRING}, USUAL, ("text", "label")),
        ({"text": STRING, "kind": STRING}, USUAL, ("text", "kind")),
        ({"review": Value("large_string"), "label": CLASS, "evidences": List(STRING)}, USUAL, ("review", "label")),
        ({"sentence": STRING, "kind": STRING}, Columns(text="sentence"), ("sentence", "kind")),
        ({"sentence": STRING, "spam": Value("bool")}, USUAL, ("sentence", "spam")),
        ({"text": STRING, "label": FLOAT}, USUAL, ("text", "label")),
        ({"text": STRING, "coarse": CLASS, "fine": CLASS}, Columns(label="fine"), ("text", "fine")),
    ],
)
def test_columns_are_found(features: dict[str, Any], columns: Columns, chosen: tuple[str, str]) -> None:
    assert choose_columns(Features(features), columns) == chosen


@pytest.mark.parametrize(
    ("features", "message"),
    [
        ({"id": STRING, "text": STRING, "labels": List(CLASS)}, r"'labels' holds lists of them \(multi-label\)"),
        ({"text": STRING, "label": List(INT)}, r"'label' holds lists of them \(multi-label\)"),
        ({"text": INT, "label": CLASS}, "a column of strings is needed as text, 'text' holds Value.*int64"),
        ({"pixels": INT, "label": CLASS}, "no column looks like the text, they are 'pixels', 'label'"),
        ({"text": STRING, "label": Value("timestamp[s]")}, "needed as labels, 'label' holds Value.*timestamp"),
        ({"text": STRING, "toxic": INT, "rude": INT}, "several columns may be the label, 'toxic', 'rude'"),
        ({"one": STRING, "two": STRING}, "no column looks like the label, they are 'one', 'two'"),
    ],
)
def test_what_is_no_text_or_label_is_refused(features: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        choose_columns(Features(features), USUAL)


@pytest.mark.parametrize(
    ("feature", "values", "names"),
    [
        (CLASS, [0, 1, -1, None], ["a", "b", None, None]),
        (STRING, ["x", "", None, "None"], ["x", None, None, "None"]),
        (INT, [0, -1, 12, None], ["0", "-1", "12", None]),
        (FLOAT, [1.0, math.nan, None], ["1", None, None]),
        (Value("bool"), [True, False], ["True", "False"]),
    ],
)
def test_labels_of_every_format_get_names(feature: object, values: list[Any], names: list[str | None]) -> None:
    reader = LabelColumn("label", feature)
    assert [reader.name(value) for value in values] == names


def test_classes_are_ordered_as_given_as_numbers_or_by_the_alphabet() -> None:
    assert LabelColumn("label", ClassLabel(names=["z", "a"])).classes({"a"}) == ["z", "a"]
    assert LabelColumn("label", INT).classes({"10", "9", "-1"}) == ["-1", "9", "10"]
    assert LabelColumn("label", STRING).classes({"pear", "apple", "7"}) == ["7", "apple", "pear"]


def test_a_hidden_label_is_none_but_minus_one_may_be_a_class() -> None:
    assert not known(None, {"0": 0})
    assert not known("-1", {"0": 0, "1": 1})
    assert known("-1", {"-1": 0, "1": 1})


@pytest.mark.parametrize(
    ("feature", "value", "message"),
    [
        (CLASS, 2, "the label 2 in the column 'label' is out of range: it names 2 classes, 0 to 1"),
        (CLASS, -2, "the label -2 in the column 'label' is out of range"),
        (FLOAT, 0.5, "labels must be classes, the column 'label' holds the fraction 0.5"),
        (STRING, ["a"], "labels must be strings or whole numbers, "),
    ],
)
def test_what_is_no_label(feature: object, value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LabelColumn("label", feature).name(value)


def test_one_class_is_not_enough() -> None:
    with pytest.raises(ValueError, match="two classes are needed at least, the training texts have 'a' alone"):
        LabelColumn("label", STRING).classes({"a"})
