"""Batches of texts of similar length, within a budget of tokens."""

from collections.abc import Iterator, Sequence
from typing import final

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset, Sampler

Batch = tuple[Tensor, Tensor, Tensor]
"""Token ids `(B, T)` padded with 0, lengths `(B,)`, labels `(B,)`."""


def bucket(lengths: Sequence[int], *, budget: int, seed: int, epoch: int) -> list[list[int]]:
    """Cut texts into batches of similar length, in an order that depends on seed and epoch alone.

    A batch holds as many texts as fit into `budget` tokens, padding included, and at least one; an empty text counts
    as one token.

    Example:
        >>> bucket([3, 1, 3, 0], budget=6, seed=0, epoch=0)
        [[2, 0], [3, 1]]
    """
    generator = np.random.default_rng([seed, epoch])
    shuffled: list[int] = generator.permutation(len(lengths)).tolist()
    batches: list[list[int]] = []
    for text in sorted(shuffled, key=lambda index: lengths[index]):
        # The texts come shortest first, so the newest is the longest of its batch.
        if batches and (len(batches[-1]) + 1) * max(1, lengths[text]) <= budget:
            batches[-1].append(text)
        else:
            batches.append([text])
    return [batches[index] for index in generator.permutation(len(batches))]


@final
class BucketSampler(Sampler[list[int]]):
    """Give the batches of one epoch; Lightning says which through `set_epoch`."""

    def __init__(self, lengths: Sequence[int], *, budget: int, seed: int) -> None:
        self.lengths, self.budget, self.seed, self.epoch = lengths, budget, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch of the next pass."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[list[int]]:
        return iter(bucket(self.lengths, budget=self.budget, seed=self.seed, epoch=self.epoch))

    def __len__(self) -> int:
        return len(bucket(self.lengths, budget=self.budget, seed=self.seed, epoch=self.epoch))


@final
class EncodedTexts(Dataset[Batch]):
    """Texts as ids with their labels; an index is a list of them, an item a padded batch."""

    def __init__(self, ids: Sequence[Sequence[int]], labels: Sequence[int]) -> None:
        self.ids = [torch.tensor(one, dtype=torch.long) for one in ids]
        self.labels = torch.tensor(labels, dtype=torch.long)

    @property
    def lengths(self) -> list[int]:
        """Tokens of each text."""
        return [len(one) for one in self.ids]

    def __getitem__(self, indices: list[int]) -> Batch:
        texts = [self.ids[index] for index in indices]
        lengths = torch.tensor([len(one) for one in texts])
        return pad_sequence(texts, batch_first=True), lengths, self.labels[indices]

    def __len__(self) -> int:
        return len(self.ids)
