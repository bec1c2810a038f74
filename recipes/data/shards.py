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

from recipes.data.batches import Batch, Texts, bucket

MOST_SHARDS = 256
"""Files open at a time; a process may usually open 1,024."""

Encoded = tuple[list[int], int]
"""Ids and label of a text."""


@final
class ShardedTexts(Texts):
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
        self._tokens = 0
        for ids, label in texts:
            shard = int(generator.integers(shards))
            sizes[shard] += 1
            self._tokens += len(ids)
            self._files[shard].write(np.array([label, len(ids), *ids], dtype=np.int32).tobytes())
        for file in self._files:
            file.flush()
        self._starts = [0, *accumulate(sizes)]
        self._loaded: tuple[int, Shard] | None = None

    @property
    def shards(self) -> list[range]:
        """The texts of each shard."""
        return [range(start, stop) for start, stop in pairwise(self._starts)]

    @property
    def tokens(self) -> int:
        return self._tokens

    def order(self, *, budget: int, seed: int, epoch: int) -> Iterator[list[int]]:
        """Shard after shard; how many batches lengths make does not depend on their order, hence not on the epoch."""
        shards = self.shards
        for shard in np.random.default_rng([seed, epoch]).permutation(len(shards)).tolist():
            own = int(np.random.SeedSequence([seed, shard]).generate_state(1)[0])
            for batch in bucket(self._shard(shard).lengths, budget=budget, seed=own, epoch=epoch):
                yield [shards[shard].start + row for row in batch]

    def __getitem__(self, indices: Sequence[int]) -> Batch:
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
