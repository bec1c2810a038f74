"""`python -m recipes fit | validate | test`: LightningCLI around the classifier and its texts."""

import sys
from typing import Any, final

import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.cli import ArgsType, LightningArgumentParser, LightningCLI

from recipes.data.module import TextData
from recipes.gate import OneLineParser, bad_input, fail
from recipes.model import TextClassifier, output_width
from recipes.quiet import quiet_warnings

DEFAULTS: dict[str, Any] = {
    "logger": {
        "class_path": "lightning.pytorch.loggers.CSVLogger",
        "init_args": {"save_dir": "runs", "name": "classifier"},
    },
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
    """`fit`, `validate` and `test`, with checkpoints, linked widths, and a gate for bad input."""

    @staticmethod
    def subcommands() -> dict[str, set[str]]:
        every = LightningCLI.subcommands()
        return {name: every[name] for name in ("fit", "validate", "test")}

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        parser.add_lightning_class_args(ModelCheckpoint, "checkpoint")
        parser.set_defaults(
            {
                "checkpoint.monitor": "val_accuracy",
                "checkpoint.mode": "max",
                "checkpoint.save_last": True,
                "checkpoint.filename": "best",
                "model.pooler": {"class_path": "seqpool.BiConcatPooler"},
            }
        )
        parser.link_arguments("seed_everything", "data.seed", compute_fn=int)
        parser.link_arguments("data.num_words", "model.num_words", apply_on="instantiate")
        parser.link_arguments("data.num_classes", "model.num_classes", apply_on="instantiate")
        width = ("model.hidden_size", "model.bidirectional")
        parser.link_arguments(width, "model.pooler.init_args.in_features", compute_fn=output_width)
        parser.link_arguments("model.num_layers", "model.pooler.init_args.num_layers")

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

    def after_instantiate_classes(self) -> None:
        about = self.datamodule.corpus.describe()
        sys.stdout.writelines(f"{key}: {value}\n" for key, value in about.items())
        if self.trainer.logger is not None:
            self.trainer.logger.log_hyperparams(about)


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
