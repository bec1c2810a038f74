"""Train a set of poolers on the same data, with the same seed and budget."""

import statistics
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, final

import torch
from joblib import Parallel, cpu_count, delayed, parallel_config  # type: ignore[import-untyped] # it has no types
from lightning import Callback, LightningModule, Trainer, seed_everything

from recipes.baselines import Score
from recipes.data.module import TextData
from recipes.model import TextClassifier
from recipes.poolers import PoolerFactory, describe, named, usual_arguments
from recipes.quiet import quiet_logs, quiet_warnings
from recipes.training.rng import MAX_SEED

DEFAULT_POOLERS = (
    "LastHiddenPooler,BiConcatPooler,MaskedMeanPooler,MaskedMaxPooler,AttentionPooler,AdditiveAttentionPooler"
)


Network = dict[str, Any]
"""Arguments of `TextClassifier` that describe the network around a pooler."""


@final
@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What to compare, and the budget of each.

    Args:
        poolers: Names with commas between them, or `all`.
        epochs: Passes over the training texts.
        seed: Of initial weights, dropout and the order of batches; the same for every pooler.
        jobs: Poolers to train at a time, each on one thread; one a core by default.
        save_dir: Folder for the table as CSV.

    Raises:
        ValueError: a number is out of range.
    """

    poolers: str = DEFAULT_POOLERS
    epochs: int = 3
    seed: int = 0
    jobs: int = cpu_count()
    save_dir: str = "runs/compare"

    def __post_init__(self) -> None:
        for name in ("epochs", "jobs"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, {getattr(self, name)} came")
        if not 0 <= self.seed <= MAX_SEED:
            raise ValueError(f"seed must be from 0 to {MAX_SEED}, {self.seed} came")


@final
@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A pooler to compare: its name in the table, how it is built, and with which arguments."""

    name: str
    pooler: PoolerFactory
    written: str


def fitting(names: Iterable[str], network: Network) -> tuple[list[Candidate], dict[str, str]]:
    """The poolers that work behind this network, and why the others cannot."""
    candidates: list[Candidate] = []
    reasons: dict[str, str] = {}
    for name in names:
        for arguments in usual_arguments(name):
            pooler = named(name, **arguments)
            try:
                TextClassifier(pooler, num_words=2, num_classes=2, **network)
            except (ValueError, TypeError) as error:
                # The first arguments are the usual ones, so what they say is the reason.
                reasons.setdefault(name, str(error))
            else:
                candidates.append(Candidate(name=name, pooler=pooler, written=describe(name, arguments)))
                reasons.pop(name, None)
                break
    return candidates, reasons


def train_all(candidates: Sequence[Candidate], network: Network, data: TextData, plan: Comparison) -> Iterator[Score]:
    """Train one classifier a pooler, several at a time; scores come in the order of the candidates."""
    # One thread each: a second one speeds a small recurrent network up by less than a second process does.
    with parallel_config(backend="loky", n_jobs=min(plan.jobs, len(candidates)), inner_max_num_threads=1):
        yield from Parallel(return_as="generator")(
            delayed(train_one)(candidate, network, data, plan.epochs, plan.seed) for candidate in candidates
        )


def train_one(candidate: Candidate, network: Network, data: TextData, epochs: int, seed: int) -> Score:
    """Train on the training split, measure on the test split after the last epoch."""
    torch.set_num_threads(1)
    quiet_warnings()
    quiet_logs()
    seed_everything(seed, verbose=False)
    model = TextClassifier(candidate.pooler, num_words=data.num_words, num_classes=data.num_classes, **network)
    model.read_vectors(data.tokenizer.get_vocab())
    clock = EpochClock()
    trainer = Trainer(
        accelerator="cpu",
        max_epochs=epochs,
        callbacks=[clock],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        limit_val_batches=0,
    )
    trainer.fit(model, datamodule=data)
    (measured,) = trainer.test(model, datamodule=data, verbose=False)
    return Score(
        model=candidate.name,
        accuracy=measured["test_accuracy"],
        macro_f1=measured["test_macro_f1"],
        seconds=statistics.median(clock.seconds),
        parameters=sum(parameter.numel() for parameter in model.parameters()),
    )


@final
class EpochClock(Callback):
    """Take the wall-clock time of each training epoch."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._start = 0.0

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._start = time.perf_counter()

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.seconds.append(time.perf_counter() - self._start)
