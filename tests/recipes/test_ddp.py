"""Two processes that share every batch take the steps of one, and measure what it measures."""

import csv
import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.recipes.conftest import Command
from tests.recipes.interrupted import ROOT, RUN, SMALL, killer

# Dropout draws other numbers in each process. Six tokens a batch: many hold one text, which is less than one a process.
ARGS = [*SMALL, "--model.dropout=0", "--data.batch_tokens=6", "--trainer.max_epochs=2", "--resume.every_n_steps=5"]


def two(folder: str, *args: str) -> tuple[int, str]:
    """Exit status of the command with two processes, and what they said on stderr."""
    line = [sys.executable, "-W", "error", "-m", "recipes", *ARGS, f"--data.path={folder}", *args]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*line, "--trainer.devices=2", "--trainer.strategy=ddp"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stderr


def rows(run: Path) -> list[dict[str, str]]:
    with (run / "metrics.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def assert_close(run: Path, other: Path) -> None:
    for name in ("last", "best"):
        ours, theirs = (torch.load(path / f"checkpoints/{name}.ckpt", weights_only=True) for path in (run, other))
        assert ours["global_step"] == theirs["global_step"]
        torch.testing.assert_close(ours["state_dict"], theirs["state_dict"], rtol=0, atol=1e-6)
    for row, reference in zip(rows(run), rows(other), strict=True):
        assert row.keys() == reference.keys()
        for key, cell in row.items():
            assert cell == reference[key] or math.isclose(float(cell), float(reference[key]), rel_tol=1e-6), key


def alone(command: Command, monkeypatch: pytest.MonkeyPatch, folder: str) -> Path:
    torch.use_deterministic_algorithms(False)
    Path("alone").mkdir()
    with monkeypatch.context() as patch:
        patch.chdir("alone")
        assert not command(*ARGS, f"--data.path={folder}")
    return Path("alone") / RUN


def test_two_processes_train_as_one(command: Command, monkeypatch: pytest.MonkeyPatch, corpus_folder: str) -> None:
    assert not two(corpus_folder)[0]
    assert_close(RUN, alone(command, monkeypatch, corpus_folder))


@pytest.mark.full
def test_two_processes_go_on_after_a_kill(
    command: Command, monkeypatch: pytest.MonkeyPatch, corpus_folder: str
) -> None:
    assert two(corpus_folder, *killer("on_train_batch_end", 30, really=True))[0] == -signal.SIGKILL
    assert not two(corpus_folder, "--ckpt_path=last")[0]
    assert_close(RUN, alone(command, monkeypatch, corpus_folder))


@pytest.mark.full
def test_two_processes_stop_with_one_line(command: Command, corpus_folder: str) -> None:
    status, errors = two(corpus_folder, "--model.optimizer=SGD", "--model.optimizer.lr=1e38")
    assert status == 2
    (line,) = [line for line in errors.splitlines() if "error" in line.lower()]
    assert line.startswith("error: the training loss is nan at step ")
