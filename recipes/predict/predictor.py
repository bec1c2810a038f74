"""Texts in, rows of label and probabilities out: a chunk at a time, chunks shared among processes."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import final

import pyarrow as pa  # type: ignore[import-untyped]  # it has no types
import torch
from lightning import LightningModule
from tokenizers import Encoding
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from recipes.data.batches import bucket
from recipes.predict.weights import weigh_tokens
from recipes.trained import Trained

SPANS = {"starts": pa.list_(pa.int32()), "stops": pa.list_(pa.int32()), "weights": pa.list_(pa.float32())}
"""Columns of an explanation: where each token lies in its text, and its weight."""


@final
class Chunks:
    """One process's chunks: every `world_size`-th, so that the first process knows where each belongs.

    Args:
        texts: All texts, read once; every process reads them all.
        size: Texts a chunk.
        rank: This process.
        world_size: How many there are.
    """

    def __init__(self, texts: Iterable[str], size: int, rank: int, world_size: int) -> None:
        self.texts, self.size, self.rank, self.world_size = texts, size, rank, world_size

    def __iter__(self) -> Iterator[list[str]]:
        remaining, number = iter(self.texts), 0
        while some := list(islice(remaining, self.size)):
            if number % self.world_size == self.rank:
                yield some
            number += 1


@final
class Predictor(LightningModule):
    """Classify chunks of texts, each as a table in the order of its texts.

    Args:
        trained: The classifier.
        texts: What to classify, read once.
        chunk_texts: Texts in memory at a time.
        batch_tokens: Tokens a batch, padding included.
        explain: Whether to weigh the tokens, too.
    """

    def __init__(
        self, trained: Trained, texts: Iterable[str], *, chunk_texts: int, batch_tokens: int, explain: bool
    ) -> None:
        super().__init__()
        self.classifier, self.labels = trained.model, trained.labels
        self.tokenizer, self.max_tokens = trained.tokenizer, trained.max_tokens
        self.texts, self.chunk_texts, self.batch_tokens, self.explain = texts, chunk_texts, batch_tokens, explain

    @property
    def schema(self) -> pa.Schema:
        """The columns: text, label, a probability a class, and the explanation."""
        columns = {"text": pa.string(), "label": pa.string()}
        columns |= {f"probability_{label}": pa.float32() for label in self.labels}
        return pa.schema(columns | (SPANS if self.explain else {}))

    def predict_dataloader(self) -> Chunks:
        """The chunks of this process."""
        return Chunks(self.texts, self.chunk_texts, self.trainer.global_rank, self.trainer.world_size)

    def predict_step(self, texts: list[str]) -> pa.RecordBatch:
        """The rows of one chunk."""
        encoded: Sequence[Encoding] = self.tokenizer.encode_batch(texts)
        ids = [torch.tensor(one.ids[: self.max_tokens], dtype=torch.long) for one in encoded]
        probabilities, weights = self._classify(ids)
        columns = [texts, [self.labels[best] for best in probabilities.argmax(1).tolist()]]
        columns += list(probabilities.T.numpy())
        if self.explain:
            offsets = [one.offsets[: self.max_tokens] for one in encoded]
            columns += [[[span[side] for span in spans] for spans in offsets] for side in (0, 1)]
            columns += [weights]
        arrays = [pa.array(column, type=field.type) for column, field in zip(columns, self.schema, strict=True)]
        return pa.record_batch(arrays, schema=self.schema)

    def _classify(self, ids: Sequence[Tensor]) -> tuple[Tensor, list[list[float]]]:
        """Probabilities `(N, C)` and, where asked for, the weights of each text's tokens."""
        lengths = [len(one) for one in ids]
        probabilities = torch.zeros(len(ids), len(self.labels))
        weights: list[list[float]] = [[] for _ in ids]
        for rows in bucket(lengths, budget=self.batch_tokens, seed=0, epoch=0):
            padded = pad_sequence([ids[row] for row in rows], batch_first=True).to(self.device)
            real = torch.tensor([lengths[row] for row in rows], device=self.device)
            if self.explain:
                scores, weighed = weigh_tokens(self.classifier, padded, real)
                for row, every in zip(rows, weighed.float().tolist(), strict=True):
                    weights[row] = every[: lengths[row]]
            else:
                scores = self.classifier(padded, real)
            probabilities[rows] = scores.float().softmax(1).cpu()
        return probabilities, weights
