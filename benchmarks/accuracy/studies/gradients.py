"""Gradient norm by position over the first epochs, and the vanishing ratio.

Source: Maini et al. 2020 (https://arxiv.org/abs/2005.00159); the measures are those of `seqpool.analysis`.
"""

from dataclasses import dataclass, field
from typing import Any, final

import torch.nn.functional as F
from lightning import Callback, Trainer
from torch import Tensor

from benchmarks.accuracy.job import Job
from benchmarks.accuracy.rows import Point
from benchmarks.accuracy.session import Session, start
from benchmarks.accuracy.train import train
from recipes.data.batches import Batch
from recipes.model import TextClassifier
from seqpool import RNNEncoder, view
from seqpool.analysis import by_position, hidden_gradient_norms, vanishing_ratio

NORM, RATIO = "gradient norm", "vanishing ratio"
TEXTS = 64
AN_EPOCH = 4
"""Times an epoch that it is looked at, as evenly as its batches allow; before each where it has fewer."""


def measure(job: Job) -> list[Point]:
    """Train, and look at the same validation texts again and again.

    Raises:
        ValueError: the pooler needs more than the steps.
    """
    session = start(job)
    every = session.data.encoded("validation")
    longest = sorted(range(len(every)), key=lambda text: -every.lengths[text])
    watcher = Watcher(session, every[sorted(longest[: len(every) // 2])[:TEXTS]])
    train(session, [watcher])
    return watcher.points


@final
@dataclass
class Watcher(Callback):
    """Measure before the first step of an epoch, and until its end `AN_EPOCH` times in all."""

    session: Session
    batch: Batch
    points: list[Point] = field(default_factory=list)

    def on_train_batch_start(self, trainer: Trainer, pl_module: Any, batch: Any, batch_idx: int) -> None:
        if batch_idx * AN_EPOCH % int(trainer.num_training_batches) < AN_EPOCH:
            pl_module.eval()
            self.look(pl_module, trainer.global_step)
            pl_module.train()

    def look(self, model: TextClassifier, step: int) -> None:
        """Add the curve and the ratio as they are after `step` steps."""
        ids, lengths, labels = self.batch
        encoder = model.encoder
        if not isinstance(encoder, RNNEncoder):
            raise TypeError(f"hidden states are those of a recurrent network, {type(encoder).__name__} came")

        def losses(output: Tensor) -> Tensor:
            scores = model.head(encoder.pooler(output, lengths=lengths))
            return F.cross_entropy(scores, labels, reduction="none")

        seq = view(model.embedding(ids), lengths=lengths)
        norms = hidden_gradient_norms(encoder.rnn, losses, seq)
        about = {"step": step, "texts": len(labels)}
        by_tenth = by_position(seq, norms).nanmean(0).tolist()
        self.points += self.session.curve(NORM, by_tenth, **about)
        self.points.append(self.session.number(RATIO, float(vanishing_ratio(seq, norms)), **about))
