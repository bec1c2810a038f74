"""Positional bias: the same trained model on test texts with unrelated text added left, right, or on both sides.

Source: Maini et al. 2020 (https://arxiv.org/abs/2005.00159), who add Wikipedia sentences; here it is another dataset.
"""

from itertools import chain, cycle, islice
from pathlib import Path

from benchmarks.accuracy.job import Job
from benchmarks.accuracy.rows import Run
from benchmarks.accuracy.session import judged, start
from benchmarks.accuracy.texts import texts
from benchmarks.accuracy.train import answers, train
from recipes.data.batches import EncodedTexts
from recipes.data.module import TextData
from recipes.data.tokens import encode

TIMES = (1, 3)
"""Tokens added, as multiples of a text's own."""

Ids = list[int]


def measure(job: Job) -> list[Run]:
    """Train once, and test with text added on each side; the lengths in a row are those of the texts alone."""
    session = start(job)
    trained, test = train(session), session.data.encoded("test")
    own = [ids.tolist() for ids in test.ids]
    foreign = unrelated(session.data, texts(job.unrelated, Path(job.folder), 0))
    rows = []
    for side, times in (("none", 0), *((side, times) for times in TIMES for side in ("left", "right", "both"))):
        longer = EncodedTexts(added(own, foreign, side, times), test.labels.tolist())
        predicted = answers(trained.model, longer, session.data.batch_tokens)
        found = judged(predicted, test.labels, session.lengths, session.data.num_classes)
        rows.append(session.run(f"side={side}", f"times={times}", **found, **trained.cost))
    return rows


def unrelated(data: TextData, other: TextData) -> Ids:
    """The test texts of another dataset, one after the other, in the vocabulary of this one."""
    rows = other.corpus.splits["test"]["text"]
    return list(chain.from_iterable(encode(data.tokenizer, rows, max_tokens=other.max_tokens)))


def added(own: list[Ids], foreign: Ids, side: str, times: int) -> list[Ids]:
    """Texts with so many times their own tokens beside them, half on each side for both.

    Example:
        >>> added([[1, 2], [3, 4]], [7, 8, 9], "left", 1), added([[1, 2]], [7, 8, 9], "both", 1)
        ([[7, 8, 1, 2], [9, 7, 3, 4]], [[7, 1, 2, 8]])
    """
    words = cycle(foreign)
    longer = []
    for ids in own:
        more = list(islice(words, times * len(ids)))
        before = {"none": 0, "left": len(more), "right": 0, "both": len(more) // 2}[side]
        longer.append([*more[:before], *ids, *more[before:]])
    return longer
