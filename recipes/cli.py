"""`python -m recipes fit | validate | test`: LightningCLI around the classifier and its texts."""

import sys
from typing import Any, final

import torch
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from lightning.pytorch.cli import ArgsType, LightningArgumentParser, LightningCLI

from recipes.data.module import TextData
from recipes.gate import OneLineParser, bad_input, fail
from recipes.model import TextClassifier
from recipes.network import join_encoder
from recipes.quiet import quiet_warnings
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


def train() -> None:
    """Run the command of LightningCLI that the process was started with."""
    quiet_warnings()
    RecipeCLI(
        TextClassifier,
        TextData,
        trainer_defaults=DEFAULTS,
        seed_everything_default=0,
        parser_class=OneLineParser,
        parser_kwargs={"prog": "python -m recipes", "description": "Train text classifiers. See also: compare --help"},
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
        parser.set_defaults(
            {
                "checkpoint.monitor": "val_accuracy",
                "checkpoint.mode": "max",
                "checkpoint.save_last": True,
                "checkpoint.filename": "best",
                "early_stopping.monitor": "val_accuracy",
                "early_stopping.mode": "max",
                "early_stopping.patience": 5,
                "model.pooler": {"class_path": "seqpool.BiConcatPooler"},
            }
        )
        parser.link_arguments("seed_everything", "data.seed", compute_fn=int)
        parser.link_arguments("data.num_words", "model.num_words", apply_on="instantiate")
        parser.link_arguments("data.num_classes", "model.num_classes", apply_on="instantiate")
        join_encoder(parser)

    def parse_arguments(self, parser: LightningArgumentParser, args: ArgsType) -> None:
        super().parse_arguments(parser, args)
        path = self.config[self.config.subcommand].ckpt_path
        if path is not None:
            read_checkpoint(path)

    def instantiate_classes(self) -> None:
        with bad_input():
            super().instantiate_classes()
            path = self.config[self.config.subcommand].ckpt_path
            if path is not None:
                check_weights(self.model, path)
            elif self.config.subcommand == "fit":
                self.coverage = self.model.read_vectors(self.datamodule.tokenizer.get_vocab())

    def after_instantiate_classes(self) -> None:
        about = self.datamodule.corpus.describe()
        if self.coverage is not None:
            about["word vectors"] = str(self.coverage)
        sys.stdout.writelines(f"{key}: {value}\n" for key, value in about.items())
        # A logger counts the runs before it: ask all of them before the first one's folder is there to be counted.
        _ = [logger.version for logger in self.trainer.loggers]
        for logger in self.trainer.loggers:
            logger.log_hyperparams(about)


def read_checkpoint(path: str) -> dict[str, Any]:
    """Load a checkpoint of Lightning's, or fail."""
    try:
        checkpoint: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        checkpoint["state_dict"]
    except Exception as error:  # what unpickling a file of another kind raises depends on its bytes
        fail(f"{path!r} is no checkpoint of a recipe: {type(error).__name__}: {error}")
    return checkpoint


def check_weights(model: torch.nn.Module, path: str) -> None:
    """Compare the shapes of a checkpoint's weights with the model's.

    Raises:
        ValueError: they differ.
    """
    saved = {name: tuple(weight.shape) for name, weight in read_checkpoint(path)["state_dict"].items()}
    own = {name: tuple(weight.shape) for name, weight in model.state_dict().items()}
    for name in sorted(own.keys() | saved.keys()):
        if own.get(name) != saved.get(name):
            raise ValueError(
                f"the checkpoint {path!r} is of another model: {name} has shape {saved.get(name)} there, "
                f"{own.get(name)} here; give the arguments it was trained with"
            )
