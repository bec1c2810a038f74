"""Where a run's files are, and which run the word `last` means."""

import re
from pathlib import Path
from typing import Any, final

from jsonargparse import Namespace
from lightning import LightningModule, Trainer
from lightning.pytorch.cli import SaveConfigCallback

from recipes.training.files import LAST

FOLDER = "checkpoints"
"""Only training makes such a folder in that of its run, as it starts; `test` and `validate` make none."""


@final
class SaveConfigOnce(SaveConfigCallback):
    """Keep the configuration that a run was started with, when it goes on in its own folder."""

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        folder = trainer.log_dir  # every process takes part in asking
        exists = Path(folder or ".", self.config_filename).is_file()
        if not trainer.strategy.broadcast(exists):
            super().setup(trainer, pl_module, stage)


def go_on_with_last(config: Namespace, *, in_place: bool) -> None:
    """Replace `last` by the newest run's checkpoint, and let the run go on in its own folder.

    The newest run is the `version_N` of the highest number in the folder of the logger's `save_dir` and `name`.

    Raises:
        ValueError: there is no run, or it has no checkpoint.
    """
    if config.checkpoint.dirpath is not None:
        folder = Path(config.checkpoint.dirpath)
    elif loggers := _loggers(config):
        run = _newest_run(loggers[0])
        folder = run / FOLDER
        for arguments in loggers if in_place else []:
            arguments["version"] = run.name
    else:
        folder = Path(config.trainer.default_root_dir or ".", FOLDER)
    if not (folder / LAST).is_file():
        raise ValueError(
            f"--ckpt_path last: {folder} has no {LAST}, its run was stopped before it trained; "
            "start it anew without --ckpt_path, or give a path"
        )
    config.ckpt_path = str(folder / LAST)


def _loggers(config: Namespace) -> list[Any]:
    """The arguments of the loggers that keep their runs in folders."""
    logger = config.trainer.logger
    every = logger if isinstance(logger, list) else [logger]
    arguments = [one.init_args for one in every if isinstance(one, Namespace)]
    return [one for one in arguments if "version" in one and one.get("save_dir") is not None]


def _newest_run(arguments: Any) -> Path:
    experiment = Path(arguments.save_dir, arguments.name or "")
    if arguments.version is not None:
        version = arguments.version
        return experiment / (version if isinstance(version, str) else f"version_{version}")
    runs = {int(found[1]): path for path in experiment.glob("version_*") if (found := _number(path))}
    if not runs:
        raise ValueError(f"--ckpt_path last: there is no run in {experiment}; start one without --ckpt_path")
    return runs[max(runs)]


def _number(run: Path) -> re.Match[str] | None:
    return re.fullmatch(r"version_(\d+)", run.name) if (run / FOLDER).is_dir() else None
