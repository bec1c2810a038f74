"""The data of a recipe as a LightningDataModule: corpus, vocabulary, batches."""

from functools import cached_property
from typing import Any, final

from lightning import LightningDataModule
from tokenizers import Tokenizer

from recipes.data.batches import BatchLoader, EncodedTexts
from recipes.data.columns import USUAL, Columns, names
from recipes.data.corpus import Corpus, load_corpus, stream_corpus
from recipes.data.probes import parse
from recipes.data.shards import ShardedTexts
from recipes.data.tokens import encode, encode_rows, train_tokenizer
from recipes.pretrained import load_tokenizer
from recipes.training.files import read_checkpoint

CHARACTERS = 16
"""Of a text, so many for each token it may have are read for the vocabulary when it is streamed."""


@final
class TextData(LightningDataModule):
    """Labelled texts, their words as ids, in batches of similar length.

    Args:
        path: `docstrings` (made from installed packages, no network), `probes` (synthetic), an id on the Hugging Face
            hub, a folder, or a file.
        name: Configuration of a dataset that has several; of `probes`, task and length (order-64).
        revision: Branch, tag or commit of a dataset of the hub.
        columns: Columns and splits to read, found by their types and usual names where not given.
        max_texts: At most so many texts a split, drawn at random; all by default.
        vocab_size: Words of the training texts that get an id of their own.
        max_tokens: Longer texts are cut here.
        batch_tokens: Tokens a batch, padding included.
        streaming: Read the texts from disk part by part, for a corpus that does not fit in memory.
        buffer_texts: With streaming, texts in memory at a time.
        seed: Of the order of batches, and of every draw from the dataset.
        tokenizer_path: Pretrained model whose tokenizer to take in place of a learned vocabulary; set by the encoder.
        vocabulary: Checkpoint whose vocabulary to take in place of a learned one; set by `test` and `validate`.

    Raises:
        ValueError: a number is too small; later, when the texts are first needed, the dataset cannot be used.
    """

    def __init__(
        self,
        path: str = "docstrings",
        name: str | None = None,
        revision: str | None = None,
        columns: Columns = USUAL,
        max_texts: int | None = None,
        vocab_size: int = 20_000,
        max_tokens: int = 128,
        batch_tokens: int = 2_048,
        streaming: bool = False,
        buffer_texts: int = 10_000,
        seed: int = 0,
        tokenizer_path: str | None = None,
        vocabulary: str | None = None,
    ) -> None:
        super().__init__()
        self.tokenizer_path, self.vocabulary = tokenizer_path, vocabulary
        self.path, self.name, self.revision = path, name, revision
        self.columns, self.max_texts = columns, max_texts
        self.streaming, self.buffer_texts = streaming, buffer_texts
        self.vocab_size, self.max_tokens, self.batch_tokens, self.seed = vocab_size, max_tokens, batch_tokens, seed
        # Two ids are padding and the unknown word.
        least = {"max_texts": 1, "vocab_size": 2, "max_tokens": 1, "batch_tokens": 1, "buffer_texts": 1, "seed": 0}
        for key, bound in least.items():
            number = getattr(self, key)
            if number is not None and number < bound:
                raise ValueError(f"{key} must be at least {bound}, {number} came")
        if streaming and max_texts is not None:
            raise ValueError("max_texts draws from texts in memory: leave out max_texts or streaming")
        if path == "probes" and parse(name)[1] > max_tokens:
            raise ValueError(f"{max_tokens} tokens would cut the probe {name!r}: give max_tokens={parse(name)[1]}")

    @cached_property
    def corpus(self) -> Corpus:
        """The texts, loaded (or, streamed, read once) when first needed."""
        if self.streaming:
            return stream_corpus(
                self.path,
                name=self.name,
                revision=self.revision,
                columns=self.columns,
                sample_texts=self.buffer_texts,
                sample_characters=CHARACTERS * self.max_tokens,
                seed=self.seed,
            )
        return load_corpus(
            self.path,
            name=self.name,
            revision=self.revision,
            columns=self.columns,
            max_texts=self.max_texts,
            seed=self.seed,
        )

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The vocabulary, learned from the training split alone, or a checkpoint's, or the pretrained model's."""
        if self.vocabulary is not None:
            return Tokenizer.from_str(read_checkpoint(self.vocabulary)["TextData"]["tokenizer"])
        if self.tokenizer_path is not None:
            return load_tokenizer(self.tokenizer_path, max_tokens=self.max_tokens)
        return train_tokenizer(self.corpus.sample, vocab_size=self.vocab_size)

    @property
    def num_words(self) -> int:
        """Rows that an embedding needs."""
        return int(self.tokenizer.get_vocab_size())

    @property
    def num_classes(self) -> int:
        """Classes of the labels."""
        return len(self.corpus.labels)

    def encoded(self, split: str) -> EncodedTexts:
        """One split as ids, in memory.

        Raises:
            ValueError: the dataset has no such split, or is streamed.
        """
        if self.streaming:
            raise ValueError(f"the {split} texts are needed in memory: leave out streaming")
        rows = self._rows(split)
        return EncodedTexts(list(encode(self.tokenizer, rows["text"], max_tokens=self.max_tokens)), rows["label"][:])

    def sharded(self, split: str) -> ShardedTexts:
        """One split as ids, on disk.

        Raises:
            ValueError: the dataset has no such split.
        """
        rows = self._rows(split)
        encoded = encode_rows(self.tokenizer, rows, max_tokens=self.max_tokens)
        return ShardedTexts(encoded, size=len(rows), shard_texts=self.buffer_texts, seed=self.seed)

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
        """Vocabulary and classes, the meaning of a checkpoint's weights, and which texts it was trained on."""
        texts = {"content": self.corpus.content, "max_tokens": self.max_tokens}
        return {"tokenizer": self.tokenizer.to_str(), "labels": list(self.corpus.labels), "texts": texts}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take the vocabulary of a checkpoint in place of one learned anew.

        Raises:
            ValueError: the checkpoint's classes are not those of the data.
        """
        if state_dict["labels"] != list(self.corpus.labels):
            raise ValueError(
                f"the checkpoint's classes must be those of the data in the same order, it has "
                f"{names(state_dict['labels'])}, the data have {names(self.corpus.labels)}: "
                "test on data of the same classes, or let predict label the texts"
            )
        self.tokenizer = Tokenizer.from_str(state_dict["tokenizer"])

    def _rows(self, split: str) -> Any:
        self.require(split)
        return self.corpus.splits[split]

    def _loader(self, split: str) -> BatchLoader:
        trainer = self.trainer
        rank, world_size = (trainer.global_rank, trainer.world_size) if trainer is not None else (0, 1)
        texts = self.sharded(split) if self.streaming else self.encoded(split)
        return BatchLoader(texts, budget=self.batch_tokens, seed=self.seed, rank=rank, world_size=world_size)
