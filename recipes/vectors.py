"""Word vectors from a text file, a line a word: GloVe's format, with or without word2vec's header."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import final

import torch
from torch import Tensor


@final
@dataclass(frozen=True, kw_only=True)
class Coverage:
    """How many of a vocabulary's words a file has vectors for."""

    path: str
    found: int
    words: int

    def __str__(self) -> str:
        return f"{self.path}, {self.found:,} of {self.words:,} words ({self.found / self.words:.1%}), the others random"


def read_vectors(path: str, vocabulary: Mapping[str, int], weight: Tensor, *, reserved: int = 2) -> Coverage:
    """Write the vectors of the vocabulary's words into the rows of `weight`, all or none.

    Args:
        path: A text file, `word number number ...` a line.
        vocabulary: Row of each word.
        weight: Rows of the embedding `(num_words, width)`.
        reserved: Rows of the vocabulary that are no words: padding and the unknown word.

    Raises:
        ValueError: the file cannot be read, has another width, no numbers, or none of the words.
    """
    rows: dict[int, list[float]] = {}
    for where, word, numbers in _lines(path, weight.shape[1]):
        row = vocabulary.get(word)
        if row is not None:
            rows[row] = _floats(numbers, where)
    if not rows:
        raise ValueError(f"the word vectors {path!r} have none of the {len(vocabulary) - reserved:,} words of the data")
    with torch.no_grad():
        weight[list(rows)] = torch.tensor(list(rows.values()), dtype=weight.dtype, device=weight.device)
    return Coverage(path=path, found=len(rows), words=len(vocabulary) - reserved)


def _lines(path: str, width: int) -> Iterator[tuple[str, str, list[str]]]:
    """Where a line stands, its word, its numbers."""
    try:
        with Path(path).open(encoding="utf-8", newline="\n") as file:
            first = True
            for number, line in enumerate(file, 1):
                # Some of GloVe's words hold spaces, so count from the right; the first one holds none.
                word, *numbers = line.rstrip().rsplit(" ", width)
                where = f"line {number} of the word vectors {path!r}"
                if number == 1 and _is_header(line):
                    continue
                if len(numbers) < width or (first and " " in word):
                    came = len(line.split()) - 1
                    raise ValueError(f"{where} has {came} numbers, {width} are needed: set model.embedding_dim={came}")
                first = False
                yield where, word, numbers
    except UnicodeDecodeError as error:
        raise ValueError(f"the word vectors {path!r} are no text in UTF-8: {error}") from error
    except OSError as error:
        raise ValueError(f"the word vectors {path!r} cannot be read: {error.strerror}") from error


def _is_header(line: str) -> bool:
    fields = line.split()
    return len(fields) == 2 and all(field.isdecimal() for field in fields)


def _floats(numbers: list[str], where: str) -> list[float]:
    try:
        values = [float(number) for number in numbers]
    except ValueError as error:
        raise ValueError(f"{where} holds what is no number: {error}") from error
    if not all(map(math.isfinite, values)):
        raise ValueError(f"{where} holds a number that is not finite")
    return values
