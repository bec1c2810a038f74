"""The second embedded dataset: synthetic texts, one task a property that pooling keeps or loses.

Two marker words, `alpha` and `beta`, among 64 words of noise. No task but `majority` and `count` shows in how often a
word occurs, and a label comes as often as every other.
"""

from collections.abc import Callable
from typing import final

import numpy as np
from datasets import (  # type: ignore[import-untyped]  # it has no types
    ClassLabel,
    Dataset,
    DatasetDict,
    Features,
    Value,
)
from numpy.typing import NDArray

PROBES_VERSION = "1"
"""Raise it with every change to what is made."""

SIZES = {"train": 4_000, "validation": 500, "test": 1_000}
LENGTHS = range(8, 1_025)
DEFAULT_LENGTH = 64

MARKERS = ("alpha", "beta")
NOISE = tuple(f"noise{number}" for number in range(64))


@final
class Draws:
    """Integers from PCG64's raw stream, which NumPy keeps the same in every version and on every machine."""

    def __init__(self, *key: int) -> None:
        self._bits = np.random.PCG64(np.random.SeedSequence(key))

    def below(self, bound: int, size: int) -> NDArray[np.int64]:
        """Integers from 0 to `bound - 1`."""
        return (self._bits.random_raw(size) % np.uint64(bound)).astype(np.int64)

    def places(self, size: int) -> NDArray[np.int64]:
        """The numbers 0 to `size - 1` in random order."""
        return np.argsort(self._bits.random_raw(size), kind="stable")


def needle(label: int, length: int, draws: Draws) -> list[str]:
    """Which marker? It stands at a random place."""
    words = _noise(length, draws)
    words[draws.below(length, 1)[0]] = MARKERS[label]
    return words


def first(label: int, length: int, draws: Draws) -> list[str]:
    """Which marker is the first word? The other stands at a random place."""
    words = _noise(length, draws)
    words[0] = MARKERS[label]
    words[1 + draws.below(length - 1, 1)[0]] = MARKERS[1 - label]
    return words


def last(label: int, length: int, draws: Draws) -> list[str]:
    """Which marker is the last word? The other stands at a random place."""
    return first(label, length, draws)[::-1]


def order(label: int, length: int, draws: Draws) -> list[str]:
    """Which marker comes before the other? Both stand at random places."""
    words = _noise(length, draws)
    earlier, later = sorted(draws.places(length)[:2].tolist())
    words[earlier], words[later] = MARKERS[label], MARKERS[1 - label]
    return words


def majority(label: int, length: int, draws: Draws) -> list[str]:
    """Which marker is more frequent? Every other word is one; the margin is a sixteenth of all words."""
    words = _noise(length, draws)
    half = length // 2
    more = half // 2 + max(1, length // 32)
    for rank, place in enumerate(draws.places(length)[:half]):
        words[place] = MARKERS[label if rank < more else 1 - label]
    return words


def count(label: int, length: int, draws: Draws) -> list[str]:
    """How often does `alpha` come? Texts have half the length or more, so that a share of the words is no count."""
    words = _noise(length // 2 + int(draws.below(length - length // 2 + 1, 1)[0]), draws)
    for place in draws.places(len(words))[: label + 1]:
        words[place] = MARKERS[0]
    return words


Task = Callable[[int, int, Draws], list[str]]
TASKS: dict[str, tuple[Task, tuple[str, ...]]] = {
    "needle": (needle, MARKERS),
    "first": (first, MARKERS),
    "last": (last, MARKERS),
    "order": (order, MARKERS),
    "majority": (majority, MARKERS),
    "count": (count, ("1", "2", "3", "4")),
}
"""Each task with the names of its classes."""


def parse(name: str | None) -> tuple[str, int]:
    """Task and length of `needle-64`, `needle` (64 words) or nothing (`needle-64`).

    Raises:
        ValueError: there is no such task, or none of that length.
    """
    task, dash, length = (name or "needle").partition("-")
    words = int(length) if length.isdecimal() else -1 if dash else DEFAULT_LENGTH
    if task not in TASKS or words not in LENGTHS:
        raise ValueError(
            f"the probes are {', '.join(TASKS)}, each with a length of {LENGTHS.start} to {LENGTHS.stop - 1} words "
            f"(order-64), {name!r} came"
        )
    return task, words


def load_probe(name: str | None) -> DatasetDict:
    """Make the splits of one task at one length; the same texts on every machine."""
    task, length = parse(name)
    make, classes = TASKS[task]
    features = Features({"text": Value("string"), "label": ClassLabel(names=list(classes))})
    splits = {}
    for number, (split, size) in enumerate(SIZES.items()):
        draws = Draws(list(TASKS).index(task), length, number)
        labels = [int(place) % len(classes) for place in draws.places(size)]
        texts = [" ".join(make(label, length, draws)) for label in labels]
        splits[split] = Dataset.from_dict({"text": texts, "label": labels}, features=features)
    return DatasetDict(splits)


def _noise(length: int, draws: Draws) -> list[str]:
    return [NOISE[number] for number in draws.below(len(NOISE), length)]
