"""Batches of texts of similar length, within a budget of tokens."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, final

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset

from recipes.gate import RunError

Batch = tuple[Tensor, Tensor, Tensor]
"""Token ids `(B, T)` padded with 0, lengths `(B,)`, labels `(B,)`."""

IGNORED = -100
"""Label of a text that counts for nothing, as `cross_entropy` has it."""


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


def share(batch: Sequence[int], rank: int, world_size: int) -> Sequence[int]:
    """One process's texts of a batch: every `world_size`-th; none where the batch has fewer texts than processes.

    Example:
        >>> share([7, 5, 3], rank=0, world_size=2), share([7, 5, 3], rank=1, world_size=2)
        ([7, 3], [5])
    """
    return batch[rank::world_size]


class Texts(Dataset[Batch], ABC):
    """Encoded texts of a split: an index is a list of them, an item a padded batch."""

    @property
    @abstractmethod
    def tokens(self) -> int:
        """Tokens of all texts."""

    @abstractmethod
    def __len__(self) -> int:
        """How many texts there are."""

    @abstractmethod
    def __getitem__(self, indices: Sequence[int]) -> Batch:
        """A padded batch of some of them."""

    @abstractmethod
    def order(self, *, budget: int, seed: int, epoch: int) -> Iterator[list[int]]:
        """The batches of one epoch, as many in every epoch, in an order that depends on seed and epoch alone."""


@final
class BatchLoader:
    """Give one process its share of every batch of an epoch, and know how many were given.

    Lightning says which epoch is next through `set_epoch`, and keeps the place in it through `state_dict`. The order is
    drawn when the first batch is asked for, which is after both.

    Args:
        texts: The split.
        budget: Tokens a batch over all processes, padding included.
        seed: Of the order.
        rank: This process.
        world_size: How many there are.
    """

    batch_sampler = None
    """Lightning asks every loader that has a sampler for it."""

    def __init__(self, texts: Texts, *, budget: int, seed: int, rank: int = 0, world_size: int = 1) -> None:
        self.texts, self.budget, self.seed, self.rank, self.world_size = texts, budget, seed, rank, world_size
        self.epoch, self.given, self._skip = 0, 0, 0

    @property
    def sampler(self) -> "BatchLoader":
        """Where Lightning looks for `set_epoch`."""
        return self

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch of the next pass; the place in another one is forgotten."""
        if epoch != self.epoch:
            self.epoch, self.given, self._skip = epoch, 0, 0

    def __iter__(self) -> Iterator[Batch]:
        self.given, self._skip = self._skip, 0
        done = self.given
        for place, batch in enumerate(self.texts.order(budget=self.budget, seed=self.seed, epoch=self.epoch)):
            if place >= done:
                self.given += 1
                yield self._batch(batch)

    def __len__(self) -> int:
        return self._count

    @cached_property
    def _count(self) -> int:
        return sum(1 for _ in self.texts.order(budget=self.budget, seed=self.seed, epoch=0))

    def state_dict(self) -> dict[str, Any]:
        """The place: the epoch, the batches given of it, and what their order depends on."""
        return {"epoch": self.epoch, "given": self.given, "order": self._facts()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on after the batches that were given.

        Raises:
            RunError: they were of another order.
        """
        if state_dict["order"] != self._facts():
            raise RunError(
                f"the checkpoint is amid an epoch of other batches ({_listed(state_dict['order'])} there, "
                f"{_listed(self._facts())} here): give the data and the seed that it was trained with"
            )
        self.epoch, self.given, self._skip = state_dict["epoch"], state_dict["given"], state_dict["given"]

    def _batch(self, batch: list[int]) -> Batch:
        own = share(batch, self.rank, self.world_size)
        if own:
            return self.texts[own]
        # Every process has to take part in every step, so one without a text takes a text that counts for nothing.
        ids, lengths, labels = self.texts[batch[:1]]
        return ids, lengths, torch.full_like(labels, IGNORED)

    def _facts(self) -> dict[str, int]:
        size = {"texts": len(self.texts), "tokens": self.texts.tokens}
        return size | {"batch_tokens": self.budget, "seed": self.seed}


def _listed(facts: dict[str, int]) -> str:
    return ", ".join(f"{name} {number}" for name, number in facts.items())


@final
class EncodedTexts(Texts):
    """Texts in memory, as ids with their labels."""

    def __init__(self, ids: Sequence[Sequence[int]], labels: Sequence[int]) -> None:
        self.ids = [torch.tensor(one, dtype=torch.long) for one in ids]
        self.labels = torch.tensor(labels, dtype=torch.long)
        self.lengths = [len(one) for one in self.ids]
        """Tokens of each text."""

    @property
    def tokens(self) -> int:
        return sum(self.lengths)

    def order(self, *, budget: int, seed: int, epoch: int) -> Iterator[list[int]]:
        return iter(bucket(self.lengths, budget=budget, seed=seed, epoch=epoch))

    def __getitem__(self, indices: Sequence[int]) -> Batch:
        texts = [self.ids[index] for index in indices]
        lengths = torch.tensor([len(one) for one in texts])
        return pad_sequence(texts, batch_first=True), lengths, self.labels[list(indices)]

    def __len__(self) -> int:
        return len(self.ids)
