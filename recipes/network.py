"""The arguments around a classifier that two commands share."""

from jsonargparse import Namespace
from lightning.pytorch.cli import LightningArgumentParser

from recipes.encoders import LSTM, Pretrained


def join_encoder(parser: LightningArgumentParser) -> None:
    """Set the default encoder, and let a pretrained one decide the tokens of the data."""
    parser.set_defaults({"model.encoder": {"class_path": _path(LSTM)}})
    parser.link_arguments("model.encoder", "data.tokenizer_path", compute_fn=tokenizer_path)


def tokenizer_path(encoder: Namespace) -> str | None:
    """The model whose tokenizer an encoder needs; `None` for a vocabulary of the training texts."""
    path: str | None = encoder.init_args.path if encoder.class_path == _path(Pretrained) else None
    return path


def _path(kind: type) -> str:
    return f"recipes.encoders.{kind.__name__}"
