"""One run: train on the training split, keep the epoch that validates best, read the test split once."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from tempfile import TemporaryDirectory
from typing import Any, final

import torch
from lightning import Callback, LightningModule, Trainer, seed_everything
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from torch import Tensor, nn

from benchmarks.accuracy.bands import count, written
from benchmarks.accuracy.job import BASELINES, MAJORITY, Job
from benchmarks.accuracy.rows import Run
from benchmarks.accuracy.session import Session, judged, start
from recipes.baselines import answer_linear, answer_majority
from recipes.compare import EpochClock, fitting
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
    test = data.encoded("test")
    found = judged(answer.predicted, test.labels, test.lengths, data.num_classes)
    return session.run(steps=0, seconds_per_epoch=answer.seconds, parameters=answer.parameters, **found)


def network(session: Session) -> Run:
    """What a network with the pooler does."""
    trained, answers = train(session), Answers()
    # The trainer that has trained tests, so that its module and data are set up.
    trained.trainer.callbacks.append(answers)  # type: ignore[attr-defined]  # set by its connector
    (tested,) = trained.trainer.test(trained.model, datamodule=session.data, verbose=False)
    return session.run(
        accuracy=tested["test_accuracy"],
        macro_f1=tested["test_macro_f1"],
        correct_by_length=answers.by_length,
        **trained.cost,
    )


def train(session: Session, callbacks: Sequence[Callback] = ()) -> Trained:
    """Train the classifier of a job, its weights drawn by its seed."""
    model, clock = build(session.job, session.data), EpochClock()
    with TemporaryDirectory() as folder:
        keep = ModelCheckpoint(dirpath=folder, monitor=WATCHED, mode="max", save_weights_only=True)
        trainer = Trainer(
            accelerator="cpu",
            max_epochs=session.job.budget,
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
        model.register_forward_pre_hook(read_padding)
    return model


def read_padding(_: nn.Module, inputs: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """Call every text as long as its batch, so that encoder and pooler take padding for text."""
    ids, lengths = inputs
    return ids, torch.full_like(lengths, ids.shape[1])


@final
@dataclass
class Answers(Callback):
    """Keep what the model answers to the test texts, and to how long a text."""

    predicted: list[Tensor] = field(default_factory=list)
    labels: list[Tensor] = field(default_factory=list)
    lengths: list[Tensor] = field(default_factory=list)

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._hook = pl_module.register_forward_hook(lambda *call: self.predicted.append(call[2].argmax(1)))

    def on_test_batch_end(self, trainer: Trainer, pl_module: LightningModule, *rest: Any) -> None:
        _, batch, *_ = rest
        self.lengths.append(batch[1])
        self.labels.append(batch[2])

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._hook.remove()

    @property
    def by_length(self) -> str:
        """Right answers by length, as the table has them."""
        right = torch.cat(self.predicted) == torch.cat(self.labels)
        return written(count(torch.cat(self.lengths).tolist(), right.tolist()))
