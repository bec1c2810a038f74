"""`python -m recipes fit | validate | test`: LightningCLI around the classifier and its texts."""

import sys
from pathlib import Path
from typing import Any, final

from jsonargparse import Namespace
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from lightning.pytorch.cli import ArgsType, LightningArgumentParser, LightningCLI
from lightning.pytorch.utilities import rank_zero_only

from recipes.data.columns import names
from recipes.data.module import TextData
from recipes.gate import OneLineParser, bad_input, bad_run
from recipes.model import TextClassifier
from recipes.network import join_encoder
from recipes.quiet import quiet_warnings
from recipes.training.files import WholeFiles, check_weights, read_checkpoint
from recipes.training.origin import plain, refuse_other_model, refuse_other_texts
from recipes.training.processes import refuse_lone_trainers
from recipes.training.resume import Resume
from recipes.training.rng import MAX_SEED
from recipes.training.runs import FOLDER, SaveConfigOnce, go_on_with_last, make_folder, nothing_left
from recipes.vectors import Coverage

DEFAULTS: dict[str, Any] = {
    "logger": [
        {
            "class_path": "lightning.pytorch.loggers.CSVLogger",
            "init_args": {"save_dir": "runs", "name": "classifier"},
        },
        {
            "class_path": "lightning.pytorch.loggers.TensorBoardLogger",
            "init_args": {"save_dir": "runs", "name": "classifier", "default_hp_metric": False},
        },
    ],
    "max_epochs": 5,
    # Everything is logged once an epoch, which Lightning takes for too seldom where an epoch is short.
    "log_every_n_steps": 1,
}
SPLITS = {"fit": "train", "validate": "validation", "test": "test"}
"""What a command cannot do without."""


def train() -> None:
    """Run the command of LightningCLI that the process was started with."""
    quiet_warnings()
    with bad_run():
        RecipeCLI(
            TextClassifier,
            TextData,
            trainer_defaults=DEFAULTS,
            seed_everything_default=0,
            parser_class=OneLineParser,
            parser_kwargs={
                "prog": "python -m recipes",
                "description": "Train and measure text classifiers.",
            },
            save_config_callback=SaveConfigOnce,
            auto_configure_optimizers=False,
        )


@final
class RecipeCLI(LightningCLI):
    """`fit`, `validate` and `test`, with checkpoints, early stopping, and a gate for bad input."""

    coverage: Coverage | None = None
    """What the file of word vectors held, where one was read."""

    checkpoint: dict[str, Any] | None = None
    """What the command starts from, where a path is given."""

    @staticmethod
    def subcommands() -> dict[str, set[str]]:
        every = LightningCLI.subcommands()
        return {name: every[name] for name in ("fit", "validate", "test")}

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        parser.add_lightning_class_args(ModelCheckpoint, "checkpoint")
        parser.add_lightning_class_args(EarlyStopping, "early_stopping")
        parser.add_lightning_class_args(Resume, "resume")
        parser.set_defaults(
            {
                "checkpoint.monitor": "val_accuracy",
                "checkpoint.mode": "max",
                "checkpoint.filename": "best",
                "early_stopping.monitor": "val_accuracy",
                "early_stopping.mode": "max",
                "early_stopping.patience": 5,
                # A run that goes on may meet its own file of a step that it replays.
                "checkpoint.enable_version_counter": False,
                "model.pooler": {"class_path": "seqpool.BiConcatPooler"},
            }
        )
        parser.link_arguments("seed_everything", "data.seed", compute_fn=int)
        parser.link_arguments("data.num_words", "model.num_words", apply_on="instantiate")
        parser.link_arguments("data.num_classes", "model.num_classes", apply_on="instantiate")
        join_encoder(parser)

    def parse_arguments(self, parser: LightningArgumentParser, args: ArgsType) -> None:
        super().parse_arguments(parser, args)
        command, config = self.config.subcommand, self.config[self.config.subcommand]
        with bad_input():
            _check_numbers(config)
            if config.ckpt_path is None and command != "fit":
                raise ValueError(f"{command} needs a trained model: give --ckpt_path a checkpoint, or `last`")
            if config.ckpt_path == "last":
                go_on_with_last(config, in_place=command == "fit")
            if config.ckpt_path is not None:
                self.checkpoint = read_checkpoint(config.ckpt_path)
                refuse_other_model(self.checkpoint, config.model, config.ckpt_path, training=command == "fit")
            if command != "fit":
                config.data.vocabulary = config.ckpt_path

    def instantiate_classes(self) -> None:
        command, config = self.config.subcommand, self.config[self.config.subcommand]
        with bad_input():
            super().instantiate_classes()
            refuse_lone_trainers(self.trainer)
            self.datamodule.require(SPLITS[command])
            if self.checkpoint is not None:
                self.datamodule.load_state_dict(self.checkpoint["TextData"])
                check_weights(self.model, self.checkpoint, config.ckpt_path)
            if command == "fit":
                self._prepare_training(config)
        self.trainer.strategy.checkpoint_io = WholeFiles()

    def _prepare_training(self, config: Namespace) -> None:
        """Find what would be refused after the first step or epoch."""
        self.model.configure_optimizers()
        if not config.trainer.callbacks:  # they may log more
            for name in ("checkpoint", "early_stopping"):
                monitor = config[name].monitor
                if monitor is not None and monitor not in self.model.logged:
                    raise ValueError(f"{name}.monitor must be one of {names(self.model.logged)}, {monitor!r} came")
        if self.checkpoint is not None:
            refuse_other_texts(self.checkpoint, self.datamodule.state_dict(), config.ckpt_path)
        else:
            self.coverage = self.model.read_vectors(self.datamodule.tokenizer.get_vocab())
        for callback in self.trainer.callbacks:  # type: ignore[attr-defined]  # set by name
            if isinstance(callback, Resume):
                callback.built_from = plain(config.model)

    def _run_subcommand(self, subcommand: str) -> None:
        start = self.checkpoint["global_step"] if self.checkpoint is not None else 0
        self.checkpoint = None  # its memory
        with nothing_left(self.trainer, start):
            self._announce(subcommand)
            super()._run_subcommand(subcommand)

    @rank_zero_only
    def _announce(self, subcommand: str) -> None:
        """Say what the data are, and make the folder of the run."""
        about = self.datamodule.corpus.describe()
        if self.coverage is not None:
            about["word vectors"] = str(self.coverage)
        sys.stdout.writelines(f"{key}: {value}\n" for key, value in about.items())
        # A logger counts the runs before it: ask all of them before the first one's folder is there to be counted.
        _ = [logger.version for logger in self.trainer.loggers]
        for logger in self.trainer.loggers:
            make_folder(logger.log_dir or logger.save_dir)
            logger.log_hyperparams(about)
        quick = self.trainer.fast_dev_run  # type: ignore[attr-defined]  # set by name
        if subcommand == "fit" and self.trainer.log_dir is not None and self.trainer.loggers and not quick:
            Path(self.trainer.log_dir, FOLDER).mkdir(exist_ok=True)


def _check_numbers(config: Namespace) -> None:
    """Check what neither the parser nor Lightning does.

    Raises:
        ValueError: a value cannot be used.
    """
    if config.checkpoint.save_top_k not in (0, 1) and "{" not in config.checkpoint.filename:
        raise ValueError(
            "several best checkpoints need names of their own: give checkpoint.filename a {step} or {epoch}, "
            f"{config.checkpoint.filename!r} came"
        )
    if config.trainer.accumulate_grad_batches < 1:
        came = config.trainer.accumulate_grad_batches
        raise ValueError(f"trainer.accumulate_grad_batches must be at least 1, {came} came")
    if not 0 <= config.seed_everything <= MAX_SEED:
        raise ValueError(f"seed_everything must be from 0 to {MAX_SEED}, {config.seed_everything} came")
