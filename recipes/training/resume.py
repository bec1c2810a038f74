"""The checkpoint that a killed run goes on from, with everything that the weights at the end depend on."""

import csv
from pathlib import Path
from typing import Any, final

from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from lightning.pytorch.trainer.states import TrainerFn

from recipes.training.files import LAST
from recipes.training.loss import MeanLoss
from recipes.training.origin import BUILT_FROM
from recipes.training.processes import stop_others
from recipes.training.progress import settle, settle_for_steps
from recipes.training.rng import rng_states, set_rng_state

KEY = "resume"


@final
class Resume(Callback):
    """Write `last.ckpt` as an epoch starts, every so many steps, and as training ends; go on from it bit for bit.

    It is written before a batch is used, when the step before, its validation and its logs are done.

    Args:
        every_n_steps: Optimizer steps from one checkpoint to the next.

    Raises:
        ValueError: the number is too small.
    """

    def __init__(self, every_n_steps: int = 200) -> None:
        if every_n_steps < 1:
            raise ValueError(f"resume.every_n_steps must be at least 1, {every_n_steps} came")
        self.every_n_steps = every_n_steps
        self.built_from: dict[str, Any] = {}
        self._loaded: dict[str, Any] = {}

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        if self._loaded:
            self._restore(trainer, pl_module)
        # Gradients are in no checkpoint, so none is written while they add up.
        applied = batch_idx % trainer.accumulate_grad_batches == 0
        if applied and (batch_idx == 0 or trainer.global_step % self.every_n_steps == 0):
            self._save(trainer)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._save(trainer)

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        amid = settle(checkpoint["loops"]["fit_loop"], trainer.global_step)
        checkpoint[BUILT_FROM] = self.built_from
        checkpoint[KEY] = {
            "rng": rng_states(trainer.world_size),
            "train_loss": _train_loss(pl_module).metric_state if amid else {},
            "logged": _logged(trainer),
            "should_stop": trainer.should_stop,
        }

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        if trainer.state.fn != TrainerFn.FITTING:
            return
        self._loaded = checkpoint[KEY]
        trainer.should_stop = self._loaded["should_stop"]
        # At once: a run that had come to its end has no further hook.
        for logger in _csv_loggers(trainer) if trainer.is_global_zero else []:
            logger.experiment.metrics[:0] = self._loaded["logged"]
            logger.save()
        if trainer.max_steps != -1:
            settle_for_steps(checkpoint["loops"]["fit_loop"], checkpoint["global_step"])

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        stop_others(trainer)

    def _restore(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Put back what a first batch depends on, after everything that may have drawn a number before it."""
        if trainer.global_rank < len(self._loaded["rng"]):
            set_rng_state(self._loaded["rng"][trainer.global_rank])
        for name, value in self._loaded["train_loss"].items():
            setattr(_train_loss(pl_module), name, value.to(pl_module.device))
        self._loaded = {}

    def _save(self, trainer: Trainer) -> None:
        best = trainer.checkpoint_callback
        if isinstance(best, ModelCheckpoint) and best.dirpath is not None and not trainer.fast_dev_run:  # type: ignore[attr-defined]  # set by name
            trainer.save_checkpoint(Path(best.dirpath, LAST), weights_only=False)


def _train_loss(pl_module: LightningModule) -> MeanLoss:
    """The mean over the epoch so far, which every process keeps of all texts."""
    metric = pl_module.get_submodule("train_loss")
    assert isinstance(metric, MeanLoss)
    return metric


def _csv_loggers(trainer: Trainer) -> list[CSVLogger]:
    return [logger for logger in trainer.loggers if isinstance(logger, CSVLogger)]


def _logged(trainer: Trainer) -> list[dict[str, str]]:
    """The rows of `metrics.csv`, which the logger of a resumed run begins anew."""
    rows: list[dict[str, str]] = []
    for logger in _csv_loggers(trainer)[:1] if trainer.is_global_zero else []:
        logger.save()
        path = Path(logger.log_dir, "metrics.csv")
        if path.is_file():
            with path.open(newline="") as file:
                rows = [{key: cell for key, cell in row.items() if cell} for row in csv.DictReader(file)]
    return rows
