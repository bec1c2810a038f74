from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from recipes.data.batches import BucketSampler, EncodedTexts, bucket

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


def test_the_sampler_gives_the_epoch_that_was_set() -> None:
    lengths = list(range(60))
    sampler = BucketSampler(lengths, budget=100, seed=3)
    assert list(sampler) == bucket(lengths, budget=100, seed=3, epoch=0)
    sampler.set_epoch(5)
    assert list(sampler) == bucket(lengths, budget=100, seed=3, epoch=5)
    assert len(sampler) == len(list(sampler))


def test_a_batch_is_padded_with_zeros() -> None:
    texts = EncodedTexts([[5, 6, 7], [], [8]], [2, 0, 1])
    ids, lengths, labels = texts[[1, 0]]
    assert ids.tolist() == [[0, 0, 0], [5, 6, 7]]
    assert lengths.tolist() == [0, 3]
    assert labels.tolist() == [0, 2]
    assert (len(texts), texts.lengths) == (3, [3, 0, 1])


def test_a_batch_of_empty_texts_has_no_step() -> None:
    ids, lengths, _ = EncodedTexts([[], []], [0, 1])[[0, 1]]
    assert ids.shape == (2, 0)
    assert lengths.tolist() == [0, 0]
