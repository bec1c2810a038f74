"""Labels of several formats as names of classes, and as their numbers."""

import math
from collections.abc import Iterable
from typing import final

from datasets import ClassLabel  # type: ignore[import-untyped]  # it has no types

from recipes.data.columns import names

Value = str | int | float | bool | None
"""What a column may hold for a label."""


@final
class LabelColumn:
    """Read one column's labels: class labels, strings, whole numbers, booleans.

    Args:
        column: Its name.
        feature: Its type in the training split.
    """

    def __init__(self, column: str, feature: object) -> None:
        self.column = column
        self.given: list[str] | None = feature.names if isinstance(feature, ClassLabel) else None

    def name(self, value: Value) -> str | None:
        """The class a value stands for, or `None`.

        No label is `None`, NaN, an empty string, and a class label of -1.

        Raises:
            ValueError: it is a class label out of range, a fraction, or no label at all.
        """
        if value is None or value == "" or (isinstance(value, float) and math.isnan(value)):
            return None
        if self.given is not None and isinstance(value, int):
            return None if value == -1 else self._of_range(value)
        if isinstance(value, float):
            if not value.is_integer():
                raise ValueError(f"labels must be classes, the column {self.column!r} holds the fraction {value}")
            value = int(value)
        if not isinstance(value, str | int):
            raise ValueError(f"labels must be strings or whole numbers, {value!r} came in the column {self.column!r}")
        return str(value)

    def classes(self, found: Iterable[str]) -> list[str]:
        """Names of all classes in their order: that of the class labels, else of numbers, else of the alphabet.

        Raises:
            ValueError: there are fewer than two.
        """
        every = self.given if self.given is not None else sorted(found, key=_order)
        if len(every) < 2:
            raise ValueError(
                f"two classes are needed at least, the training texts have {names(every) or 'no label'} alone "
                f"in the column {self.column!r}"
            )
        return every

    def _of_range(self, value: int) -> str:
        given = self.given or []
        if not 0 <= value < len(given):
            raise ValueError(
                f"the label {value} in the column {self.column!r} is out of range: it names {len(given)} classes, "
                f"0 to {len(given) - 1}"
            )
        return given[value]


def known(name: str | None, classes: dict[str, int]) -> bool:
    """Whether a text has a label; a -1 that no training text has marks a hidden one.

    Raises:
        ValueError: the label is in no training text.
    """
    if name is None or (name == "-1" and name not in classes):
        return False
    if name not in classes:
        raise ValueError(f"the label {name!r} is in no training text, those have {names(classes)}")
    return True


def _order(name: str) -> tuple[bool, int, str]:
    number = name.removeprefix("-").isdecimal()
    return (not number, int(name) if number else 0, name)
