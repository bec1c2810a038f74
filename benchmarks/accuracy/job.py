"""What a run is: one model of one cell, as it travels to the process that trains it."""

import json
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Self, final

from benchmarks.accuracy.texts import load, recipe, texts
from recipes.compare import Network
from recipes.data.module import TextData
from recipes.encoders import LSTM

ENCODERS: dict[str, Network] = {
    "BiLSTM 256": {"encoder": partial(LSTM, hidden_size=256), "embedding_dim": 100},
    "BiLSTM 16": {"encoder": partial(LSTM, hidden_size=16), "embedding_dim": 16},
}
"""Networks around a pooler, by the name in the table; the small one is for trying things out."""

MAJORITY, LINEAR = "majority class", "bag of words, linear"
BASELINES = (MAJORITY, LINEAR)
"""Rows beside the poolers, with no encoder."""


@final
@dataclass(frozen=True, kw_only=True)
class Job:
    """One run: a pooler or baseline, on so many training texts of a dataset, with a seed.

    What is `None` is as the recipe, or all there is.
    """

    study: str
    dataset: str
    folder: str
    encoder: str
    pooler: str
    seed: int
    size: int | None = None
    epochs: int | None = None
    max_tokens: int | None = None
    test_texts: int | None = None

    @property
    def budget(self) -> int:
        """Epochs at most; none for a baseline."""
        if self.pooler in BASELINES:
            return 0
        return self.epochs or int(recipe(self.dataset)["trainer"]["max_epochs"])

    @property
    def variant(self) -> str:
        """Where it differs from the recipe, but for size and epochs, which have columns of their own."""
        given = {"max_tokens": self.max_tokens, "test_texts": self.test_texts}
        return " ".join(f"{name}={number}" for name, number in given.items() if number is not None)

    @property
    def network(self) -> Network:
        """What is around the pooler."""
        return ENCODERS[self.encoder]

    def data(self) -> TextData:
        """The texts."""
        cut = {} if self.max_tokens is None else {"max_tokens": self.max_tokens}
        return load(self.dataset, Path(self.folder), self.seed, self.size, self.test_texts, **cut)

    def facts(self) -> tuple[str, int]:
        """Of the dataset: the hash of all its texts, and how many there are to train on.

        Raises:
            ValueError: there is no such dataset, or it has fewer training texts than are asked for.
        """
        corpus = texts(self.dataset, Path(self.folder), 0).corpus
        size = len(corpus.splits["train"])
        if self.size is not None and self.size > size:
            raise ValueError(f"{self.dataset} has {size:,} training texts, {self.size:,} were asked for")
        return corpus.content, size

    def key(self, content: str, whole: int) -> tuple[str | int, ...]:
        """The key of its row, from what is known of its dataset."""
        size = whole if self.size is None else self.size
        encoder = "none" if self.pooler in BASELINES else self.encoder
        return (self.study, self.dataset, content, encoder, self.pooler, self.seed, size, self.variant, self.budget)

    def written(self) -> str:
        """As text, for another process."""
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, text: str) -> Self:
        """What `written` wrote."""
        return cls(**json.loads(text))
