"""What goes wrong outside of the code is one line and exit status 2; what was written before it stays whole."""

import errno
from pathlib import Path
from typing import Any

import pytest
import torch

from recipes.training.files import replace_whole
from tests.recipes.conftest import Command
from tests.recipes.interrupted import ARGS, RUN

Errors = pytest.CaptureFixture[str]


def only_error(capsys: Errors) -> str:
    """The one line of an error, which is no traceback."""
    err = capsys.readouterr().err
    assert "Traceback" not in err
    (line,) = (line for line in err.splitlines() if line.startswith("error"))
    return line


def last(run: Path = RUN) -> dict[str, Any]:
    checkpoint: dict[str, Any] = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    return checkpoint


def test_a_loss_that_is_no_number_stops_the_run(command: Command, corpus_folder: str, capsys: Errors) -> None:
    diverging = ("--model.optimizer=SGD", "--model.optimizer.lr=1e38", "--resume.every_n_steps=1")
    assert command(*ARGS, f"--data.path={corpus_folder}", *diverging) == 2
    assert "error: the training loss is " in (line := only_error(capsys))
    assert "of epoch 0: lower the learning rate or set trainer.gradient_clip_val" in line
    assert all(weight.isfinite().all() for weight in last()["state_dict"].values())
    assert [path.name for path in (RUN / "checkpoints").iterdir()] == ["last.ckpt"]


def test_weights_that_are_no_numbers_are_not_written(
    command: Command, corpus_folder: str, capsys: Errors, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = torch.optim.Adam.step

    def spoil(self: torch.optim.Adam, closure: Any = None) -> Any:
        loss = step(self, closure)
        self.param_groups[0]["params"][0].data[0, 0] = float("inf")
        return loss

    monkeypatch.setattr(torch.optim.Adam, "step", spoil)
    assert command(*ARGS, f"--data.path={corpus_folder}", "--resume.every_n_steps=1") == 2
    assert "the weights embedding.weight are no longer finite at step 1, " in only_error(capsys)
    assert last()["global_step"] == 0


def test_a_full_disk_stops_the_run_and_leaves_the_checkpoint_before(
    command: Command, corpus_folder: str, capsys: Errors, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = 0

    def fill(target: Path, content: bytes | memoryview) -> None:
        nonlocal written
        written += 1
        if written == 3:
            # The file beside the target is the device that is always full.
            target.with_name(f".{target.name}.part").symlink_to("/dev/full")
        replace_whole(target, content)

    monkeypatch.setattr("recipes.training.files.replace_whole", fill)
    line = [*ARGS, f"--data.path={corpus_folder}"]
    assert command(*line) == 2
    message = "last.ckpt cannot be written: No space left on device; the one before it is whole"
    assert message in only_error(capsys)
    assert last()["global_step"] == 4
    assert [path.name for path in (RUN / "checkpoints").iterdir()] == ["last.ckpt"]
    monkeypatch.undo()


def test_a_full_disk_under_the_logs_is_one_line(
    command: Command, corpus_folder: str, capsys: Errors, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "metrics.csv")

    monkeypatch.setattr("lightning.pytorch.loggers.csv_logs.ExperimentWriter.save", full)
    assert command(*ARGS, f"--data.path={corpus_folder}") == 2
    assert only_error(capsys) == "error: metrics.csv cannot be written: No space left on device"


def test_last_without_a_checkpoint_is_an_error(command: Command, corpus_folder: str, capsys: Errors) -> None:
    line = [*ARGS, f"--data.path={corpus_folder}", "--ckpt_path=last"]
    assert command(*line) == 2
    assert "--ckpt_path last: there is no run in runs/classifier; start one without" in only_error(capsys)
    assert not list(Path().iterdir())
    (RUN / "checkpoints").mkdir(parents=True)
    assert command(*line) == 2
    assert f"{RUN}/checkpoints has no last.ckpt, its run was stopped before it trained" in only_error(capsys)


def test_last_is_of_the_newest_run_that_trained(command: Command, corpus_folder: str) -> None:
    line = [*ARGS, f"--data.path={corpus_folder}", "--trainer.max_epochs=1"]
    for _ in range(2):
        assert not command(*line)
    # A test leaves a folder that is no run.
    assert not command("test", *line[1:-1], "--ckpt_path=last")
    assert not command(*line, "--ckpt_path=last", "--trainer.max_epochs=2")
    assert [last(RUN.with_name(f"version_{number}"))["epoch"] for number in (0, 1)] == [1, 2]
    assert sorted(path.name for path in RUN.parent.iterdir()) == ["version_0", "version_1", "version_2"]
