"""Encoded texts on disk in shards, of which one at a time is in memory."""

import tempfile
import weakref
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import accumulate, pairwise
from typing import IO, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset, Sampler

from recipes.data.batches import Batch, bucket

MOST_SHARDS = 256
"""Files open at a time; a process may usually open 1,024."""

Encoded = tuple[list[int], int]
"""Ids and label of a text."""


@final
class ShardedTexts(Dataset[Batch]):
    """Texts as ids with their labels, scattered over files; an index is a list of texts of one shard, an item a batch.

    Which shard a text goes to is drawn by the seed, so a file sorted by label is mixed. The files have no name and are
    gone with the process, however it ends.

    Args:
        texts: Ids and labels, read once.
        size: How many there are, about.
        shard_texts: Texts of a shard, about.
        seed: Of the draw.
    """

    def __init__(self, texts: Iterable[Encoded], *, size: int, shard_texts: int, seed: int) -> None:
        shards = min(MOST_SHARDS, max(1, -(-size // shard_texts)))
        stack = ExitStack()
        opened = (tempfile.TemporaryFile() for _ in range(shards))  # noqa: SIM115  # the stack closes them
        self._files: list[IO[bytes]] = [stack.enter_context(file) for file in opened]
        weakref.finalize(self, stack.close)
        generator = np.random.default_rng([seed, shards])
        sizes = [0] * shards
        for ids, label in texts:
            shard = int(generator.integers(shards))
            sizes[shard] += 1
            self._files[shard].write(np.array([label, len(ids), *ids], dtype=np.int32).tobytes())
        for file in self._files:
            file.flush()
        self._starts = [0, *accumulate(sizes)]
        self._loaded: tuple[int, Shard] | None = None

    def shard_lengths(self, shard: int) -> list[int]:
        """Tokens of each text of one shard."""
        return self._shard(shard).lengths

    @property
    def shards(self) -> list[range]:
        """The texts of each shard."""
        return [range(start, stop) for start, stop in pairwise(self._starts)]

    def __getitem__(self, indices: list[int]) -> Batch:
        shard = bisect_right(self._starts, indices[0]) - 1
        start = self._starts[shard]
        return self._shard(shard).batch([index - start for index in indices])

    def __len__(self) -> int:
        return self._starts[-1]

    def _shard(self, number: int) -> "Shard":
        if self._loaded is None or self._loaded[0] != number:
            self._loaded = None  # freed before the next one comes
            file = self._files[number]
            file.seek(0)
            self._loaded = number, Shard(np.frombuffer(file.read(), dtype=np.int32))
        return self._loaded[1]


@final
class Shard:
    """Some texts in memory: for each its label, its length and its ids, one after the other."""

    def __init__(self, numbers: NDArray[np.int32]) -> None:
        self._numbers = numbers
        self._starts: list[int] = []
        self.lengths: list[int] = []
        place = 0
        while place < len(numbers):
            self._starts.append(place)
            self.lengths.append(int(numbers[place + 1]))
            place += 2 + self.lengths[-1]

    def batch(self, rows: Sequence[int]) -> Batch:
        """A padded batch of some of them."""
        texts = [self._ids(row) for row in rows]
        labels = torch.tensor([int(self._numbers[self._starts[row]]) for row in rows])
        return pad_sequence(texts, batch_first=True), torch.tensor([len(text) for text in texts]), labels

    def _ids(self, row: int) -> Tensor:
        start = self._starts[row] + 2
        return torch.from_numpy(self._numbers[start : start + self.lengths[row]].astype(np.int64))


@final
class ShardSampler(Sampler[list[int]]):
    """Give the batches of one epoch, shard after shard, in an order that depends on seed and epoch alone."""

    def __init__(self, texts: ShardedTexts, *, budget: int, seed: int) -> None:
        self.texts, self.budget, self.seed, self.epoch = texts, budget, seed, 0
        self._batches: int | None = None

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch of the next pass."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[list[int]]:
        shards = self.texts.shards
        for shard in np.random.default_rng([self.seed, self.epoch]).permutation(len(shards)).tolist():
            for batch in self._bucketed(shard):
                yield [shards[shard].start + row for row in batch]

    def __len__(self) -> int:
        # How many batches the lengths make does not depend on their order, hence not on the epoch.
        if self._batches is None:
            self._batches = sum(len(self._bucketed(shard)) for shard in range(len(self.texts.shards)))
        return self._batches

    def _bucketed(self, shard: int) -> list[list[int]]:
        seed = int(np.random.SeedSequence([self.seed, shard]).generate_state(1)[0])
        return bucket(self.texts.shard_lengths(shard), budget=self.budget, seed=seed, epoch=self.epoch)
