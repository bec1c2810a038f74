"""Encoded texts lie on disk in parts, one of which is in memory."""

from recipes.data.shards import MOST_SHARDS, ShardedTexts


def test_one_shard_is_in_memory() -> None:
    texts = ShardedTexts((([n] * (n % 5), n % 3) for n in range(1000)), size=1000, shard_texts=100, seed=0)
    assert len(texts.shards) == 10
    assert min(map(len, texts.shards)) > 50
    assert [texts[[n]][2].item() for n in range(3)] == [texts[[0, 1, 2]][2][n].item() for n in range(3)]
    assert texts.tokens == sum(n % 5 for n in range(1000))
    order = list(texts.order(budget=20, seed=0, epoch=0))
    assert sorted(index for batch in order for index in batch) == list(range(1000))
    for batch in order:
        assert sum(batch[0] in shard and batch[-1] in shard for shard in texts.shards) == 1


def test_files_are_as_many_as_a_process_may_open() -> None:
    assert len(ShardedTexts(iter([([], 0)]), size=10**9, shard_texts=1, seed=0).shards) == MOST_SHARDS


def test_empty_texts_alone_make_batches_without_steps() -> None:
    texts = ShardedTexts(iter([([], 0), ([], 1)]), size=2, shard_texts=10, seed=0)
    ids, lengths, labels = texts[[0, 1]]
    assert (ids.shape, lengths.tolist(), labels.tolist()) == ((2, 0), [0, 0], [0, 1])
