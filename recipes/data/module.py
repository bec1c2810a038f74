"""The data of a recipe as a LightningDataModule: corpus, vocabulary, batches."""

from functools import cached_property
from typing import Any, final

from lightning import LightningDataModule
from tokenizers import Tokenizer

from recipes.data.batches import BatchLoader, EncodedTexts
from recipes.data.columns import USUAL, Columns
from recipes.data.corpus import Corpus, load_corpus
from recipes.data.tokens import encode, train_tokenizer


@final
class TextData(LightningDataModule):
    """Labelled texts, their words as ids, in batches of similar length.

    Args:
        path: `docstrings` (made from installed packages, no network), an id on the Hugging Face hub, or a folder.
        name: Configuration of a dataset that has several.
        columns: Columns and splits to read, found by their types and usual names where not given.
        max_texts: At most so many texts a split, drawn at random; all by default.
        vocab_size: Words of the training texts that get an id of their own.
        max_tokens: Longer texts are cut here.
        batch_tokens: Tokens a batch, padding included.
        seed: Of the order of batches, and of every draw from the dataset.

    Raises:
        ValueError: a number is too small; later, when the texts are first needed, the dataset cannot be used.
    """

    def __init__(
        self,
        path: str = "docstrings",
        name: str | None = None,
        columns: Columns = USUAL,
        max_texts: int | None = None,
        vocab_size: int = 20_000,
        max_tokens: int = 128,
        batch_tokens: int = 2_048,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.path, self.name, self.columns, self.max_texts = path, name, columns, max_texts
        self.vocab_size, self.max_tokens, self.batch_tokens, self.seed = vocab_size, max_tokens, batch_tokens, seed
        # Two ids are padding and the unknown word.
        for key, least in {"max_texts": 1, "vocab_size": 2, "max_tokens": 1, "batch_tokens": 1, "seed": 0}.items():
            number = getattr(self, key)
            if number is not None and number < least:
                raise ValueError(f"{key} must be at least {least}, {number} came")

    @cached_property
    def corpus(self) -> Corpus:
        """The texts, loaded when first needed."""
        return load_corpus(self.path, name=self.name, columns=self.columns, max_texts=self.max_texts, seed=self.seed)

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The vocabulary, learned from the training split alone."""
        return train_tokenizer(self.corpus.splits["train"]["text"], vocab_size=self.vocab_size)

    @property
    def num_words(self) -> int:
        """Rows that an embedding needs."""
        return int(self.tokenizer.get_vocab_size())

    @property
    def num_classes(self) -> int:
        """Classes of the labels."""
        return len(self.corpus.labels)

    def encoded(self, split: str) -> EncodedTexts:
        """One split as ids.

        Raises:
            ValueError: the dataset has no such split.
        """
        self.require(split)
        rows = self.corpus.splits[split]
        return EncodedTexts(list(encode(self.tokenizer, rows["text"], max_tokens=self.max_tokens)), rows["label"][:])

    def require(self, split: str) -> None:
        """Refuse a dataset without a split.

        Raises:
            ValueError: the dataset has no such split.
        """
        if split not in self.corpus.splits:
            raise ValueError(
                f"the dataset {self.path!r} has no labelled split for {split}: choose one with columns.{split}"
            )

    def train_dataloader(self) -> BatchLoader:
        """Batches in an order of their own each epoch."""
        return self._loader("train")

    def val_dataloader(self) -> BatchLoader:
        """Batches to choose a checkpoint by."""
        return self._loader("validation")

    def test_dataloader(self) -> BatchLoader:
        """Batches to report on."""
        return self._loader("test")

    def state_dict(self) -> dict[str, Any]:
        """The vocabulary, so that a checkpoint keeps the meaning of its embedding's rows."""
        return {"tokenizer": self.tokenizer.to_str()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take the vocabulary of a checkpoint in place of one learned anew."""
        self.tokenizer = Tokenizer.from_str(state_dict["tokenizer"])

    def _loader(self, split: str) -> BatchLoader:
        trainer = self.trainer
        rank, world_size = (trainer.global_rank, trainer.world_size) if trainer is not None else (0, 1)
        return BatchLoader(
            self.encoded(split), budget=self.batch_tokens, seed=self.seed, rank=rank, world_size=world_size
        )
