"""A run in a process of its own, killed by the system at any moment, goes on to the same end."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from tests.recipes.conftest import Command
from tests.recipes.interrupted import ARGS, ROOT, RUN, assert_same, killer, outcome


def start(folder: str, *args: str) -> subprocess.Popen[bytes]:
    """The command in a process of its own, in the same folder as the test."""
    line = [sys.executable, "-W", "error", "-m", "recipes", *ARGS, f"--data.path={folder}", *args]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(line, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def finish(process: subprocess.Popen[bytes]) -> int:
    errors = process.communicate()[1].decode()
    assert "Traceback" not in errors, errors
    return process.returncode


def go_on_to_the_same_end(
    command: Command, monkeypatch: pytest.MonkeyPatch, folder: str, tmp_path: Path, *args: str
) -> None:
    """Finish the killed run in this process, and hold it against one that was not killed."""
    # The processes that were killed ran as a user's do.
    torch.use_deterministic_algorithms(False)
    line = [*ARGS, *args, f"--data.path={folder}"]
    assert not command(*line, "--ckpt_path=last")
    (tmp_path / "whole").mkdir()
    monkeypatch.chdir(tmp_path / "whole")
    assert not command(*line)
    assert_same(outcome(tmp_path / RUN), outcome(RUN))


LONG = ("--trainer.max_epochs=20", "--resume.every_n_steps=7")


def kill_at_random(folder: str, generator: random.Random, *args: str, within: float = 1.5) -> bool:
    """Kill a run at a random moment after it has started to train; whether it had not ended by itself."""
    last = RUN / "checkpoints" / "last.ckpt"
    before = last.stat().st_mtime_ns if last.exists() else 0
    process = start(folder, *LONG, *args)
    while process.poll() is None and (not last.exists() or last.stat().st_mtime_ns == before):
        time.sleep(0.005)
    time.sleep(generator.uniform(0, within))
    process.kill()
    return finish(process) == -signal.SIGKILL


def test_killed_by_the_system_at_a_random_moment_and_again_during_a_write(
    command: Command, corpus_folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Early, so that what goes on has writes enough left on any machine.
    assert kill_at_random(corpus_folder, random.Random(time.time_ns()), within=0.4)
    assert finish(start(corpus_folder, *LONG, "--ckpt_path=last", *killer("write", 3, really=True))) == -signal.SIGKILL
    # Where the first kill came decides whether `last` or `best` was being written.
    assert any(part.stat().st_size for part in (RUN / "checkpoints").glob(".*.ckpt.part"))
    go_on_to_the_same_end(command, monkeypatch, corpus_folder, tmp_path, *LONG)


@pytest.mark.parametrize(
    "kills",
    [
        # The second process goes on from the epoch's last batch, or amid the epoch, to another kill.
        [("on_train_batch_end", 15), ("on_train_batch_end", 4)],
        pytest.param([("on_validation_batch_end", 2)], marks=pytest.mark.full),
        pytest.param([("on_train_batch_end", 15), ("on_validation_batch_end", 2)], marks=pytest.mark.full),
    ],
)
def test_killed_by_the_system_at_an_epochs_last_batch_and_in_validation(
    command: Command,
    corpus_folder: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kills: list[tuple[str, int]],
) -> None:
    every = "--resume.every_n_steps=1"
    for number, (hook, call) in enumerate(kills):
        last = ["--ckpt_path=last"] if number else []
        assert finish(start(corpus_folder, every, *killer(hook, call, really=True), *last)) == -signal.SIGKILL
    go_on_to_the_same_end(command, monkeypatch, corpus_folder, tmp_path, every)


@pytest.mark.full
def test_killed_at_many_random_moments(corpus_folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "whole").mkdir()
    monkeypatch.chdir(tmp_path / "whole")
    assert not finish(start(corpus_folder, *LONG))
    generator, kills = random.Random(time.time_ns()), 0
    for number in range(5):
        monkeypatch.chdir(tmp_path)
        (tmp_path / str(number)).mkdir()
        monkeypatch.chdir(tmp_path / str(number))
        kills += kill_at_random(corpus_folder, generator, within=0.4)
        for _ in range(2):
            kills += kill_at_random(corpus_folder, generator, "--ckpt_path=last")
        assert not finish(start(corpus_folder, *LONG, "--ckpt_path=last"))
        assert_same(outcome(RUN), outcome(tmp_path / "whole" / RUN))
    assert kills >= 8, f"{kills} of 15 runs were killed, the others had ended before"
