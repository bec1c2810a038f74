"""What tests of stopped runs share: a small run, what two runs must agree on, and what stops one."""

from pathlib import Path
from typing import Any

import torch

ROOT = Path(__file__).resolve().parents[2]
RUN = Path("runs/classifier/version_0")
SMALL = [
    "fit",
    "--model.encoder.hidden_size=8",
    "--model.embedding_dim=8",
    "--trainer.enable_progress_bar=false",
    "--trainer.enable_model_summary=false",
]
# 15 batches an epoch; dropout draws random numbers in every step.
ARGS = [
    *SMALL,
    "--data.batch_tokens=16",
    "--trainer.max_epochs=3",
    "--early_stopping.monitor=val_loss",
    "--early_stopping.mode=min",
    "--early_stopping.patience=50",
    "--resume.every_n_steps=4",
]


def outcome(run: Path) -> dict[str, Any]:
    """All that two runs must agree on."""
    last, best = (torch.load(run / "checkpoints" / f"{name}.ckpt", weights_only=True) for name in ("last", "best"))
    callbacks = {key.split("{")[0]: state for key, state in last["callbacks"].items()}
    return {
        "files": sorted(path.name for path in (run / "checkpoints").iterdir()),
        "weights": last["state_dict"],
        "optimizer": last["optimizer_states"][0]["state"],
        "loops": {key: last["loops"]["fit_loop"][key] for key in ("epoch_progress", "epoch_loop.batch_progress")},
        "random": {name: last["resume"]["rng"][0][name] for name in ("torch", "numpy", "python")},
        "best weights": best["state_dict"],
        "best score": callbacks["ModelCheckpoint"]["best_model_score"],
        "early stopping": callbacks["EarlyStopping"],
        "log": (run / "metrics.csv").read_text(),
    }


def assert_same(one: Any, other: Any, where: str = "") -> None:
    """Equal bit for bit."""
    assert type(one) is type(other), where
    if isinstance(one, torch.Tensor):
        assert torch.equal(one, other), where
    elif isinstance(one, dict):
        assert one.keys() == other.keys(), where
        for key in one:
            assert_same(one[key], other[key], f"{where}/{key}")
    else:
        assert one == other, where


def killer(hook: str, call: int, *, really: bool = False) -> list[str]:
    name = "--trainer.callbacks"
    arguments = {"hook": hook, "call": call, "really": str(really).lower()}
    return [f"{name}+=tests.recipes.killer.Killer", *(f"{name}.{key}={value}" for key, value in arguments.items())]
