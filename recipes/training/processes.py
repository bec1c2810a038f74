"""The processes that a run is made of."""

import signal

from lightning import Trainer
from lightning.pytorch.strategies.launchers import _SubprocessScriptLauncher


def stop_others(trainer: Trainer) -> None:
    """Stop the processes that this one started: they wait for it, and would say so in a traceback of their own."""
    if isinstance(launcher := trainer.strategy.launcher, _SubprocessScriptLauncher):
        launcher.kill(signal.SIGKILL)
