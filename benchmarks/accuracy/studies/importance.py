"""Importance by position: how much a trained model's loss moves when words are taken away, tenth by tenth of a text.

Five words at a time, whatever the text's length and its batch, so that a text's curve is its own.
Source: Maini et al. 2020 (https://arxiv.org/abs/2005.00159); the measure is that of `seqpool.analysis`.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.accuracy.job import Job
from benchmarks.accuracy.rows import Point
from benchmarks.accuracy.session import start
from benchmarks.accuracy.train import train
from recipes.data.batches import Batch
from recipes.encoders.embedding import WordEmbedding
from recipes.model import TextClassifier
from seqpool import view
from seqpool.analysis import by_position, split_at, word_importance

IMPORTANCE = "word importance"
UNKNOWN = 1
"""Id of the word that stands in for those taken away."""
WINDOW = 5
"""Words taken away at a time, of every text, as Maini et al. have it for texts of 400 words or more."""


def measure(job: Job) -> list[Point]:
    """Train, and average over the test texts that have a word in every tenth."""
    session = start(job)
    trained, test = train(session), session.data.encoded("test")
    found = []
    for batch in test.order(budget=session.data.batch_tokens, seed=0, epoch=0):
        if long := [text for text in batch if test.lengths[text] >= 10]:
            found.append(importance(trained.model, test[long]))
    if not found:
        raise ValueError("no test text has ten words: give longer ones, or a greater max_tokens")
    curves = torch.cat(found)
    step = trained.trainer.global_step
    return session.curve(IMPORTANCE, curves.mean(0).tolist(), step=step, texts=len(curves))


def importance(model: TextClassifier, batch: Batch) -> Tensor:
    """Of each text, the mean importance of the words of each tenth."""
    ids, lengths, labels = batch
    if not isinstance(model.embedding, WordEmbedding):
        raise TypeError(f"words are taken away at their embedding, {type(model.embedding).__name__} came")
    steps, scores = split_at(model, model.embedding, ids, lengths)
    if not isinstance(steps, Tensor):
        raise TypeError(f"an embedding of padded ids gives a tensor, {type(steps).__name__} came")
    seq = view(steps, lengths=lengths)

    def losses(x: Tensor) -> Tensor:
        return F.cross_entropy(scores(x), labels, reduction="none")

    unknown = model.embedding.weight[UNKNOWN].detach()
    return by_position(seq, word_importance(losses, seq, replacement=unknown, window=WINDOW))
