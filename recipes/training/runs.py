"""Where a run's files are, and which run the word `last` means."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, final

from jsonargparse import Namespace
from lightning import LightningModule, Trainer
from lightning.pytorch.cli import SaveConfigCallback

from recipes.gate import RunError, reason
from recipes.training.files import LAST

CONFIG = "config.yaml"
FOLDER = "checkpoints"
"""Only training makes such a folder in that of its run, as it starts; `test` and `validate` make none."""


@final
class SaveConfigOnce(SaveConfigCallback):
    """Keep the configuration that a run was started with, when it goes on in its own folder.

    Without a logger all runs share one folder, where the configuration is that of the newest training.
    """

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        folder = trainer.log_dir  # every process takes part in asking
        kept = self.config.ckpt_path is not None and Path(folder or ".", self.config_filename).is_file()
        self.overwrite = not trainer.loggers
        if not trainer.strategy.broadcast(kept) and (stage == "fit" or trainer.loggers):
            super().setup(trainer, pl_module, stage)


@contextmanager
def nothing_left(trainer: Trainer, start: int) -> Iterator[None]:
    """Remove what a run has added when it ends, for no defect, before its first step after `start`."""
    folder = Path(trainer.log_dir or ".")
    own = [path for path in (folder / CONFIG, folder / FOLDER, folder) if not path.exists()]
    around = [path for path in folder.parents if not path.exists()]
    try:
        yield
    except Exception as error:
        if reason(error) is not None and trainer.is_global_zero and trainer.global_step in (0, start):
            for path in own:
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
            for path in around:
                with suppress(OSError):  # another run began in it
                    path.rmdir()
        raise


def make_folder(path: str | None) -> None:
    """Make the folder of a logger that has one on this machine.

    Raises:
        RunError: it cannot be made.
    """
    try:
        if path is not None and "://" not in path:
            Path(path).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"the folder {path!r} of the run cannot be made: {error.strerror}") from error


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
