"""A run that is stopped anywhere and goes on is the run that was not stopped: weights, optimizer, logs, best."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.recipes.conftest import Command
from tests.recipes.killer import KilledError

ROOT = Path(__file__).resolve().parents[2]
RUN = Path("runs/classifier/version_0")
SMALL = [
    "fit",
    "--model.hidden_size=8",
    "--model.embedding_dim=8",
    "--trainer.enable_progress_bar=false",
    "--trainer.enable_model_summary=false",
]
# 15 batches an epoch; dropout draws random numbers in every step.
ARGS = [
    *SMALL,
    "--data.batch_tokens=16",
    "--trainer.max_epochs=3",
    "--trainer.callbacks+=EarlyStopping",
    "--trainer.callbacks.monitor=val_loss",
    "--trainer.callbacks.patience=50",
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


@pytest.fixture(scope="module")
def whole(
    tmp_path_factory: pytest.TempPathFactory, corpus_folder: str
) -> Callable[[Command, pytest.MonkeyPatch, tuple[str, ...]], dict[str, Any]]:
    """The outcome of a run that is not stopped, by its further arguments."""
    known: dict[tuple[str, ...], dict[str, Any]] = {}

    def run(command: Command, monkeypatch: pytest.MonkeyPatch, args: tuple[str, ...]) -> dict[str, Any]:
        if args not in known:
            with monkeypatch.context() as patch:
                patch.chdir(tmp_path_factory.mktemp("whole"))
                assert not command(*ARGS, f"--data.path={corpus_folder}", *args)
                known[args] = outcome(RUN)
        return known[args]

    return run


def full(kills: list[tuple[str, int]], args: tuple[str, ...]) -> Any:
    return pytest.param(kills, args, marks=pytest.mark.full)


LAST_BATCH = ("on_train_batch_end", 15)


@pytest.mark.parametrize(
    ("kills", "args"),
    [
        # The second run goes on amid the first epoch, to its last batch; the third at the start of the second epoch.
        ([LAST_BATCH, ("on_train_batch_end", 4), ("on_train_batch_end", 1), ("on_train_batch_end", 16)], ()),
        ([("on_validation_batch_end", 2)], ()),
        ([("on_train_end", 1)], ()),
        ([LAST_BATCH, ("on_train_batch_start", 9)], ("--resume.every_n_steps=1",)),
        full([("on_train_batch_end", 1)], ()),
        full([("on_before_optimizer_step", 23)], ()),
        full([LAST_BATCH], ()),
        full([("on_validation_end", 2)], ()),
        full([("on_train_epoch_end", 1)], ()),
        full([("on_train_epoch_start", 2)], ()),
        full([("on_train_batch_start", 16), ("on_train_batch_end", 2), ("on_train_batch_end", 15)], ()),
        full([("on_train_batch_end", 20), ("on_validation_batch_end", 3)], ("--trainer.val_check_interval=5",)),
        full([("on_train_batch_end", 5), ("on_train_batch_end", 12)], ("--trainer.max_steps=40",)),
        full([("on_train_batch_start", 16), ("on_train_batch_end", 2)], ("--trainer.max_steps=40",)),
        full([("on_train_batch_end", 11), LAST_BATCH], ("--trainer.accumulate_grad_batches=2",)),
    ],
)
def test_a_stopped_run_goes_on(
    command: Command,
    corpus_folder: str,
    whole: Callable[..., dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    kills: list[tuple[str, int]],
    args: tuple[str, ...],
) -> None:
    wanted = whole(command, monkeypatch, args)
    line = [*ARGS, f"--data.path={corpus_folder}", *args]
    for number, (hook, call) in enumerate(kills):
        with pytest.raises(KilledError):
            command(*line, *killer(hook, call), *(["--ckpt_path=last"] if number else []))
    assert not command(*line, "--ckpt_path=last")
    assert_same(outcome(RUN), wanted)


def test_a_run_that_ended_goes_on_to_the_same_end(
    command: Command, corpus_folder: str, whole: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = whole(command, monkeypatch, ())
    line = [*ARGS, f"--data.path={corpus_folder}"]
    assert not command(*line)
    for _ in range(2):
        assert not command(*line, "--ckpt_path=last")
        assert_same(outcome(RUN), wanted)


def test_the_best_checkpoint_is_one_to_go_on_from(
    command: Command, corpus_folder: str, whole: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = whole(command, monkeypatch, ())
    line = [*ARGS, f"--data.path={corpus_folder}"]
    assert not command(*line, "--trainer.max_epochs=2")
    best = RUN / "checkpoints" / "best.ckpt"
    assert not command(*line, f"--ckpt_path={best}")
    went_on = outcome(RUN.with_name("version_1"))
    for key in ("weights", "optimizer", "loops", "random", "early stopping"):
        assert_same(went_on[key], wanted[key])


def start(folder: str, *args: str) -> subprocess.Popen[bytes]:
    """The command in a process of its own, in the same folder as the test."""
    line = [sys.executable, "-W", "error", "-m", "recipes", *ARGS, f"--data.path={folder}", *args]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(line, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def finish(process: subprocess.Popen[bytes]) -> int:
    errors = process.communicate()[1].decode()
    assert "Traceback" not in errors, errors
    return process.returncode


LONG = ("--trainer.max_epochs=12", "--resume.every_n_steps=7")


def kill_at_random(folder: str, generator: random.Random, *args: str) -> bool:
    """Kill a run at a random moment after it has started to train; whether it had not ended by itself."""
    last = RUN / "checkpoints" / "last.ckpt"
    before = last.stat().st_mtime_ns if last.exists() else 0
    process = start(folder, *LONG, *args)
    while process.poll() is None and (not last.exists() or last.stat().st_mtime_ns == before):
        time.sleep(0.005)
    time.sleep(generator.uniform(0, 1.5))
    process.kill()
    return finish(process) == -signal.SIGKILL


def test_killed_by_the_system_at_a_random_moment_and_again_during_a_write(
    command: Command, corpus_folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert kill_at_random(corpus_folder, random.Random(time.time_ns()))
    assert finish(start(corpus_folder, *LONG, "--ckpt_path=last", *killer("write", 3, really=True))) == -signal.SIGKILL
    assert (RUN / "checkpoints" / ".last.ckpt.part").stat().st_size > 0
    # The two other processes ran as a user's do.
    torch.use_deterministic_algorithms(False)
    line = [*ARGS, *LONG, f"--data.path={corpus_folder}"]
    assert not command(*line, "--ckpt_path=last")
    (tmp_path / "whole").mkdir()
    monkeypatch.chdir(tmp_path / "whole")
    assert not command(*line)
    assert_same(outcome(tmp_path / RUN), outcome(RUN))


@pytest.mark.full
def test_killed_at_many_random_moments(corpus_folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "whole").mkdir()
    monkeypatch.chdir(tmp_path / "whole")
    assert not finish(start(corpus_folder, *LONG))
    generator = random.Random(time.time_ns())
    for number in range(5):
        monkeypatch.chdir(tmp_path)
        (tmp_path / str(number)).mkdir()
        monkeypatch.chdir(tmp_path / str(number))
        kill_at_random(corpus_folder, generator)
        for _ in range(2):
            kill_at_random(corpus_folder, generator, "--ckpt_path=last")
        assert not finish(start(corpus_folder, *LONG, "--ckpt_path=last"))
        assert_same(outcome(RUN), outcome(tmp_path / "whole" / RUN))
