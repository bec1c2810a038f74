"""What a run is: one model of one cell, as it travels to the process that trains it."""

import json
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Literal, Self, final

from benchmarks.accuracy.rows import Cell, Key
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

MOST_EPOCHS = 20
"""What a small part of the texts may have, where early stopping does not end it before."""

SETTINGS = ("max_tokens", "test_texts", "padding")
"""What a row's `variant` says of its run."""


@final
@dataclass(frozen=True, kw_only=True)
class Job:
    """One run: a pooler or baseline, on so many training texts of a dataset, with a seed.

    What is `None` is as the recipe, or all there is; where padding is read, every text is padded to the most tokens
    that a text may have, and the network takes it for text. `unrelated` is the dataset whose texts are added to others.
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
    padding: Literal["read"] | None = None
    unrelated: str = "ag_news"

    def budget(self, whole: int) -> int:
        """Epochs at most, of a dataset of so many training texts; none for a baseline.

        Epochs of few texts are few steps: in the study `sizes`, a part of the texts has the recipe's epochs as many
        times as it goes into the whole, rounded up, and 20 at most.
        """
        if self.pooler in BASELINES:
            return 0
        if self.epochs is not None:
            return self.epochs
        epochs = int(recipe(self.dataset)["trainer"]["max_epochs"])
        if self.study == "sizes" and self.size is not None:
            return max(epochs, min(epochs * -(-whole // self.size), MOST_EPOCHS))
        return epochs

    def seedless(self, whole: int) -> bool:
        """Whether every seed says the same, of a dataset of so many training texts: baselines draw nothing else."""
        return self.pooler in BASELINES and self.size in (None, whole)

    @property
    def variant(self) -> str:
        """Where it differs from the recipe, but for size and epochs, which have columns of their own."""
        given = {name: getattr(self, name) for name in SETTINGS}
        return "; ".join(f"{name}={value}" for name, value in given.items() if value is not None)

    @property
    def network(self) -> Network:
        """What is around the pooler."""
        return ENCODERS[self.encoder]

    def data(self) -> tuple[TextData, int]:
        """The texts, and how many there are to train on, asked for or not."""
        cut = {} if self.max_tokens is None else {"max_tokens": self.max_tokens}
        return load(self.dataset, Path(self.folder), self.seed, self.size, self.test_texts, **cut)

    def facts(self) -> tuple[str, int]:
        """Of the dataset: the hash of all its texts, and how many there are to train on.

        Raises:
            ValueError: there is no such dataset.
        """
        corpus = texts(self.dataset, Path(self.folder), 0).corpus
        return corpus.content, len(corpus.splits["train"])

    def cell(self, content: str, whole: int) -> Cell:
        """The first columns of its rows, from what is known of its dataset.

        Raises:
            ValueError: more training texts are asked for than it has.
        """
        if self.size is not None and self.size > whole:
            raise ValueError(f"{self.dataset} has {whole:,} training texts, {self.size:,} were asked for")
        return Cell(
            study=self.study,
            dataset=self.dataset,
            content_hash=content,
            encoder="none" if self.pooler in BASELINES else self.encoder,
            pooler=self.pooler,
            seed=self.seed,
            train_size=whole if self.size is None else self.size,
            variant=self.variant,
            epochs=self.budget(whole),
        )

    def written(self) -> str:
        """As text, for another process."""
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, text: str) -> Self:
        """What `written` wrote."""
        return cls(**json.loads(text))


def run_of(cell: Cell) -> Key:
    """What was trained, whichever of its rows this is: a second run of it would say the same."""
    parts = [part for part in cell.variant.split("; ") if part.partition("=")[0] in SETTINGS]
    return (
        cell.study, cell.dataset, cell.content_hash, cell.encoder, cell.pooler, cell.seed, cell.train_size,
        "; ".join(parts), cell.epochs,
    )  # fmt: skip  # one line a thought
