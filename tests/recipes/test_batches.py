from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recipes.data.batches import IGNORED, Batch, BatchLoader, EncodedTexts, bucket, share
from recipes.gate import RunError

LENGTHS = st.lists(st.integers(0, 50), max_size=80)


@given(LENGTHS, st.integers(1, 100), st.integers(0, 9), st.integers(0, 9))
def test_every_text_comes_once_and_within_the_budget(lengths: list[int], budget: int, seed: int, epoch: int) -> None:
    batches = bucket(lengths, budget=budget, seed=seed, epoch=epoch)
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    for batch in batches:
        padded = len(batch) * max(1, *(lengths[index] for index in batch))
        assert padded <= budget or len(batch) == 1


@given(LENGTHS, st.integers(1, 100))
def test_a_batch_is_not_closed_while_the_next_text_fits(lengths: list[int], budget: int) -> None:
    batches = sorted(bucket(lengths, budget=budget, seed=0, epoch=0), key=lambda batch: lengths[batch[-1]])
    for batch, following in pairwise(batches):
        shortest = min(lengths[index] for index in following)
        if shortest > lengths[batch[-1]]:
            assert (len(batch) + 1) * shortest > budget


def test_the_order_depends_on_seed_and_epoch_alone() -> None:
    lengths = [index % 40 for index in range(300)]
    orders = [bucket(lengths, budget=200, seed=seed, epoch=epoch) for seed in (0, 1) for epoch in (0, 1, 2)]
    assert orders[4] == bucket(lengths, budget=200, seed=1, epoch=1)
    assert len({str(order) for order in orders}) == len(orders)
    # Not the order of batches alone: texts of one length change their company.
    assert len({str(sorted(map(sorted, order))) for order in orders}) == len(orders)


def texts(size: int = 60) -> EncodedTexts:
    """Texts of 0 to 6 tokens, each token the number of its text."""
    return EncodedTexts([[index] * (index % 7) for index in range(size)], list(range(size)))


def labels(batches: Iterable[Batch]) -> list[list[int]]:
    return [labels.tolist() for _, _, labels in batches]


def test_the_loader_gives_the_epoch_that_was_set() -> None:
    loader = BatchLoader(texts(), budget=30, seed=3)
    orders = [bucket(texts().lengths, budget=30, seed=3, epoch=epoch) for epoch in (0, 5)]
    # Lightning asks for an iterator first and sets the epoch then.
    iterator = iter(loader)
    loader.set_epoch(5)
    assert labels(iterator) == orders[1]
    loader.set_epoch(0)
    assert labels(loader) == labels(loader) == orders[0]
    assert len(loader) == len(orders[0])


def test_a_loader_goes_on_at_its_place_once() -> None:
    loader, other = BatchLoader(texts(), budget=30, seed=3), BatchLoader(texts(), budget=30, seed=3)
    loader.set_epoch(2)
    every = labels(loader)
    iterator = iter(loader)
    assert labels([next(iterator), next(iterator)]) == every[:2]
    other.load_state_dict(loader.state_dict())
    iterator = iter(other)
    other.set_epoch(2)
    assert labels(iterator) == every[2:]
    assert labels(other) == every
    other.load_state_dict(loader.state_dict())
    other.set_epoch(3)
    assert len(labels(other)) == len(other)


def test_a_place_in_another_order_is_refused() -> None:
    state = BatchLoader(texts(), budget=30, seed=3).state_dict()
    message = r"other batches \(texts 60, tokens 174, batch_tokens 30, seed 3 there, .* seed 4 here\): give the data"
    with pytest.raises(RunError, match=message):
        BatchLoader(texts(), budget=30, seed=4).load_state_dict(state)


@given(st.lists(st.integers(), max_size=9), st.integers(1, 4))
def test_processes_share_a_batch_without_overlap(batch: list[int], world_size: int) -> None:
    shares = [share(batch, rank, world_size) for rank in range(world_size)]
    assert sorted(text for own in shares for text in own) == sorted(batch)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_every_process_has_as_many_batches_and_a_text_in_each() -> None:
    # Every batch holds one text or two, and there are three processes.
    loaders = [BatchLoader(texts(), budget=8, seed=0, rank=rank, world_size=3) for rank in range(3)]
    whole = labels(BatchLoader(texts(), budget=8, seed=0))
    assert {1, 2} <= {len(batch) for batch in whole}
    steps = list(zip(*loaders, strict=True))
    for step, batch in zip(steps, whole, strict=True):
        own = [labels.tolist() for _, _, labels in step]
        assert all(own)
        assert sorted(text for share in own for text in share if text != IGNORED) == sorted(batch)


def test_a_batch_is_padded_with_zeros() -> None:
    split = EncodedTexts([[5, 6, 7], [], [8]], [2, 0, 1])
    ids, lengths, labels = split[[1, 0]]
    assert ids.tolist() == [[0, 0, 0], [5, 6, 7]]
    assert lengths.tolist() == [0, 3]
    assert labels.tolist() == [0, 2]
    assert (len(split), split.lengths) == (3, [3, 0, 1])


def test_a_batch_of_empty_texts_has_no_step() -> None:
    ids, lengths, _ = EncodedTexts([[], []], [0, 1])[[0, 1]]
    assert ids.shape == (2, 0)
    assert lengths.tolist() == [0, 0]
