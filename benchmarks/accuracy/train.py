"""One run: train on the training split, keep the epoch that validates best, read the test split once."""

import resource
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from tempfile import TemporaryDirectory
from typing import Any, final

import torch
from lightning import Callback, LightningModule, Trainer, seed_everything
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from torch import Tensor

from benchmarks.accuracy.bands import count, written
from benchmarks.accuracy.job import BASELINES, MAJORITY, Job
from benchmarks.accuracy.rows import Run
from recipes.baselines import answer_linear, answer_majority
from recipes.compare import EpochClock, fitting
from recipes.data.module import TextData
from recipes.model import TextClassifier, metrics
from recipes.quiet import quiet_logs, quiet_warnings

WATCHED = "val_accuracy"
PATIENCE = 3
"""Epochs without a better validation accuracy after which a run ends."""


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


def measure(job: Job) -> Run:
    """Run a job in this process."""
    torch.set_num_threads(1)
    quiet_warnings()
    quiet_logs()
    start = time.perf_counter()
    data = job.data()
    found = baseline(job, data) if job.pooler in BASELINES else network(job, data)
    study, dataset, content, encoder, pooler, seed, size, variant, epochs = job.key(
        data.corpus.content, len(data.corpus.splits["train"])
    )
    return Run(
        study=str(study),
        dataset=str(dataset),
        content_hash=str(content),
        encoder=str(encoder),
        pooler=str(pooler),
        seed=int(seed),
        train_size=int(size),
        variant=str(variant),
        epochs=int(epochs),
        seconds=time.perf_counter() - start,
        peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        **found,
    ).signed()


def baseline(job: Job, data: TextData) -> Mapping[str, Any]:
    """What the majority class or the linear model does."""
    answer = answer_majority(data.corpus) if job.pooler == MAJORITY else answer_linear(data.corpus, job.seed)
    test = data.encoded("test")
    values = metrics(data.num_classes)(answer.predicted, test.labels)
    return {
        "steps": 0,
        "accuracy": float(values["accuracy"]),
        "macro_f1": float(values["macro_f1"]),
        "correct_by_length": written(count(test.lengths, (answer.predicted == test.labels).tolist())),
        "seconds_per_epoch": answer.seconds,
        "parameters": answer.parameters,
    }


def network(job: Job, data: TextData) -> Mapping[str, Any]:
    """What a network with the pooler does."""
    model = build(job, data)
    clock, answers = EpochClock(), Answers()
    with TemporaryDirectory() as folder:
        trainer = fit(model, data, job.budget, folder, [clock, answers])
        (measured,) = trainer.test(model, datamodule=data, ckpt_path="best", verbose=False)
    return {
        "steps": trainer.global_step,
        "accuracy": measured["test_accuracy"],
        "macro_f1": measured["test_macro_f1"],
        "correct_by_length": answers.by_length,
        "seconds_per_epoch": statistics.median(clock.seconds),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
    }


def build(job: Job, data: TextData) -> TextClassifier:
    """The classifier of a job, its weights drawn by its seed.

    Raises:
        ValueError: the pooler does not fit the encoder.
    """
    candidates, reasons = fitting([job.pooler], job.network)
    if not candidates:
        raise ValueError(f"{job.pooler} does not fit {job.encoder}: {reasons[job.pooler]}")
    seed_everything(job.seed, verbose=False)
    return TextClassifier(candidates[0].pooler, data.num_words, data.num_classes, **job.network)


def fit(model: TextClassifier, data: TextData, epochs: int, folder: str, callbacks: list[Callback]) -> Trainer:
    """Train, and keep the weights of the epoch of the best validation accuracy, the first of equals, in `folder`."""
    keep = ModelCheckpoint(dirpath=folder, monitor=WATCHED, mode="max", save_weights_only=True)
    trainer = Trainer(
        accelerator="cpu",
        max_epochs=epochs,
        callbacks=[*callbacks, keep, EarlyStopping(WATCHED, mode="max", patience=PATIENCE)],
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )
    trainer.fit(model, datamodule=data)
    return trainer
