"""`python -m recipes fit | validate | test`: LightningCLI around the classifier and its texts."""

import sys
from pathlib import Path
from typing import Any, final

from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from lightning.pytorch.cli import ArgsType, LightningArgumentParser, LightningCLI
from lightning.pytorch.utilities import rank_zero_only

from recipes.data.module import TextData
from recipes.gate import OneLineParser, bad_input, bad_run
from recipes.model import TextClassifier
from recipes.network import join_encoder
from recipes.quiet import quiet_warnings
from recipes.training.files import WholeFiles, check_weights, read_checkpoint
from recipes.training.resume import Resume
from recipes.training.runs import FOLDER, SaveConfigOnce, go_on_with_last
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
                "description": "Train text classifiers. See also compare, predict and export, each with --help",
            },
            save_config_callback=SaveConfigOnce,
            auto_configure_optimizers=False,
        )


@final
class RecipeCLI(LightningCLI):
    """`fit`, `validate` and `test`, with checkpoints, early stopping, and a gate for bad input."""

    coverage: Coverage | None = None
    """What the file of word vectors held, where one was read."""

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
        config = self.config[self.config.subcommand]
        with bad_input():
            if config.checkpoint.save_top_k not in (0, 1) and "{" not in config.checkpoint.filename:
                raise ValueError(
                    "several best checkpoints need names of their own: give checkpoint.filename a {step} or {epoch}, "
                    f"{config.checkpoint.filename!r} came"
                )
            if config.ckpt_path == "last":
                go_on_with_last(config, in_place=self.config.subcommand == "fit")
            if config.ckpt_path is not None:
                read_checkpoint(config.ckpt_path)

    def instantiate_classes(self) -> None:
        with bad_input():
            super().instantiate_classes()
            self.datamodule.require(SPLITS[self.config.subcommand])
            path = self.config[self.config.subcommand].ckpt_path
            if path is not None:
                check_weights(self.model, path)
            elif self.config.subcommand == "fit":
                self.coverage = self.model.read_vectors(self.datamodule.tokenizer.get_vocab())
        self.trainer.strategy.checkpoint_io = WholeFiles()

    @rank_zero_only
    def after_instantiate_classes(self) -> None:
        about = self.datamodule.corpus.describe()
        if self.coverage is not None:
            about["word vectors"] = str(self.coverage)
        sys.stdout.writelines(f"{key}: {value}\n" for key, value in about.items())
        # A logger counts the runs before it: ask all of them before the first one's folder is there to be counted.
        _ = [logger.version for logger in self.trainer.loggers]
        for logger in self.trainer.loggers:
            logger.log_hyperparams(about)
        config = self.config[self.config.subcommand]
        if self.config.subcommand == "fit" and self.trainer.log_dir is not None and not config.trainer.fast_dev_run:
            Path(self.trainer.log_dir, FOLDER).mkdir(exist_ok=True)
