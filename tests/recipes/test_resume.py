"""A run that is stopped anywhere and goes on is the run that was not stopped: weights, optimizer, logs, best."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.recipes.conftest import Command
from tests.recipes.interrupted import ARGS, RUN, assert_same, killer, outcome
from tests.recipes.killer import KilledError


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
