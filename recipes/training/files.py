"""Checkpoint files: written whole or not at all, read as data, found again by the name of the experiment."""

import errno
import io
import os
from pathlib import Path
from typing import Any, final

import torch
from lightning.fabric.plugins import TorchCheckpointIO

from recipes.gate import RunError
from recipes.training.origin import BUILT_FROM
from recipes.whole import whole_file

LAST = "last.ckpt"


@final
class WholeFiles(TorchCheckpointIO):
    """Write a checkpoint beside its place and move it there once it is on the disk, read only weights and data."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        _refuse_not_finite(checkpoint, path)
        target = Path(path)
        content = io.BytesIO()
        torch.save(checkpoint, content)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            replace_whole(target, content.getbuffer())
        except OSError as error:
            reason = os.strerror(error.errno or errno.EIO)
            raise RunError(f"the checkpoint {path} cannot be written: {reason}; the one before it is whole") from error

    def load_checkpoint(self, path: str | Path, map_location: Any = "cpu", weights_only: bool | None = True) -> Any:
        return torch.load(path, map_location=map_location, weights_only=True)


def replace_whole(target: Path, content: bytes | memoryview) -> None:
    """Put a file in place of another; whenever the process or machine stops, the old or the new one is there, whole."""
    with whole_file(target) as beside:
        beside.write_bytes(content)


def _refuse_not_finite(checkpoint: dict[str, Any], path: str | Path) -> None:
    for name, weight in checkpoint["state_dict"].items():
        if weight.is_floating_point() and not weight.isfinite().all():
            raise RunError(
                f"the weights {name} are no longer finite at step {checkpoint['global_step']}, {path} is not written: "
                "lower the learning rate or set trainer.gradient_clip_val"
            )


def read_checkpoint(path: str) -> dict[str, Any]:
    """Load a checkpoint of a recipe.

    Raises:
        ValueError: it is none.
    """
    try:
        checkpoint: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        missing = {"state_dict", "loops", "TextData", BUILT_FROM} - checkpoint.keys()
    except OSError as error:
        raise ValueError(f"{path!r} is no checkpoint of a recipe: {error.strerror or error}") from error
    except Exception as error:  # what unpickling a file of another kind raises depends on its bytes
        raise ValueError(f"{path!r} is no checkpoint of a recipe: {type(error).__name__} while reading it") from error
    if missing:
        raise ValueError(f"{path!r} is no checkpoint of a recipe: it has no {', '.join(sorted(missing))}")
    return checkpoint


def check_weights(model: torch.nn.Module, checkpoint: dict[str, Any], path: str) -> None:
    """Compare the shapes of a checkpoint's weights with the model's.

    Raises:
        ValueError: they differ.
    """
    saved = {name: tuple(weight.shape) for name, weight in checkpoint["state_dict"].items()}
    own = {name: tuple(weight.shape) for name, weight in model.state_dict().items()}
    for name in sorted(own.keys() | saved.keys()):
        if own.get(name) != saved.get(name):
            raise ValueError(
                f"the checkpoint {path!r} is of another model: {name} has shape {saved.get(name)} there, "
                f"{own.get(name)} here; give the arguments it was trained with"
            )
