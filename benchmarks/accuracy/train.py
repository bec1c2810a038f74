"""One run: train on the training split, keep the epoch that validates best, read the test split once."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from tempfile import TemporaryDirectory
from typing import Any, final

import torch
import torch.nn.functional as F
from lightning import Callback, Trainer, seed_everything
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from torch import Tensor, nn

from benchmarks.accuracy.job import BASELINES, MAJORITY, Job
from benchmarks.accuracy.rows import Run
from benchmarks.accuracy.session import Session, judged, start
from recipes.baselines import answer_linear, answer_majority
from recipes.compare import EpochClock, fitting
from recipes.data.batches import EncodedTexts
from recipes.data.module import TextData
from recipes.model import TextClassifier

WATCHED = "val_accuracy"
PATIENCE = 3
"""Epochs without a better validation accuracy after which a run ends."""


@final
@dataclass(frozen=True)
class Trained:
    """A classifier with the weights that validated best, and what training it cost."""

    model: TextClassifier
    trainer: Trainer
    seconds_per_epoch: float

    @property
    def cost(self) -> dict[str, Any]:
        """Columns of the table."""
        return {
            "steps": self.trainer.global_step,
            "seconds_per_epoch": self.seconds_per_epoch,
            "parameters": sum(parameter.numel() for parameter in self.model.parameters()),
        }


def measure(job: Job) -> list[Run]:
    """Train and test a pooler's network, or ask a baseline."""
    session = start(job)
    return [baseline(session) if job.pooler in BASELINES else network(session)]


def baseline(session: Session) -> Run:
    """What the majority class or the linear model does."""
    data, job = session.data, session.job
    answer = answer_majority(data.corpus) if job.pooler == MAJORITY else answer_linear(data.corpus, job.seed)
    labels = torch.tensor(data.corpus.splits["test"]["label"][:])
    found = judged(answer.predicted, labels, session.lengths, data.num_classes)
    return session.run(steps=0, seconds_per_epoch=answer.seconds, parameters=answer.parameters, **found)


def network(session: Session) -> Run:
    """What a network with the pooler does."""
    trained, test = train(session), session.data.encoded("test")
    predicted = answers(trained.model, test, session.data.batch_tokens)
    found = judged(predicted, test.labels, session.lengths, session.data.num_classes)
    return session.run(**found, **trained.cost)


def train(session: Session, callbacks: Sequence[Callback] = ()) -> Trained:
    """Train the classifier of a job, its weights drawn by its seed."""
    model, clock = build(session.job, session.data), EpochClock()
    with TemporaryDirectory() as folder:
        keep = ModelCheckpoint(dirpath=folder, monitor=WATCHED, mode="max", save_weights_only=True)
        trainer = Trainer(
            accelerator="cpu",
            max_epochs=session.job.budget(session.whole),
            callbacks=[clock, *callbacks, keep, EarlyStopping(WATCHED, mode="max", patience=PATIENCE)],
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
        )
        trainer.fit(model, datamodule=session.data)
        model.load_state_dict(torch.load(keep.best_model_path, weights_only=True)["state_dict"])
    return Trained(model.eval(), trainer, statistics.median(clock.seconds))


def build(job: Job, data: TextData) -> TextClassifier:
    """The classifier, untrained.

    Raises:
        ValueError: the pooler does not fit the encoder.
    """
    candidates, reasons = fitting([job.pooler], job.network)
    if not candidates:
        raise ValueError(f"{job.pooler} does not fit {job.encoder}: {reasons[job.pooler]}")
    seed_everything(job.seed, verbose=False)
    model = TextClassifier(candidates[0].pooler, data.num_words, data.num_classes, **job.network)
    if job.padding == "read":
        model.register_forward_pre_hook(partial(read_padding, data.max_tokens))
    return model


def read_padding(max_tokens: int, _: nn.Module, inputs: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """Call every text as long as the longest may be, so that encoder and pooler take padding for text.

    Batches hold texts of like length, and to the end of its batch a text has next to no padding (0.2% of the steps);
    to `max_tokens`, 256 on imdb, a fifth of the steps that are read are padding.
    """
    ids, lengths = inputs
    return F.pad(ids, (0, max_tokens - ids.shape[1])), torch.full_like(lengths, max_tokens)


@torch.no_grad()
def answers(model: TextClassifier, some: EncodedTexts, budget: int) -> Tensor:
    """The class of each text, in the order of the texts."""
    predicted = torch.empty(len(some), dtype=torch.long)
    for batch in some.order(budget=budget, seed=0, epoch=0):
        ids, lengths, _ = some[batch]
        predicted[batch] = model(ids, lengths).argmax(1)
    return predicted
