"""The processes that a run is made of."""

import os
import signal

from lightning import Trainer
from lightning.fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from lightning.pytorch.strategies.launchers import _SubprocessScriptLauncher


def stop_others(trainer: Trainer) -> None:
    """Stop the processes that this one started: they wait for it, and would say so in a traceback of their own."""
    if isinstance(launcher := trainer.strategy.launcher, _SubprocessScriptLauncher):
        launcher.kill(signal.SIGKILL)


def refuse_lone_trainers(trainer: Trainer) -> None:
    """Refuse processes of `torchrun` that would each train a model of its own, in the same files.

    Raises:
        ValueError: there are more processes than the trainer has.
    """
    if not TorchElasticEnvironment.detect():
        return
    started = int(os.environ["WORLD_SIZE"])
    if trainer.world_size != started:
        raise ValueError(
            f"torchrun started {started} processes and the trainer has {trainer.world_size}: give "
            "--trainer.strategy=ddp, --trainer.devices (processes a node) and --trainer.num_nodes"
        )
