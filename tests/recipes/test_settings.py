"""Settings that are refused amid a run, and checkpoints of another making: one line, status 2, nothing is left."""

from pathlib import Path
from typing import Any

import pytest
import torch
import yaml  # type: ignore[import-untyped]  # it has no types
from datasets import ClassLabel, load_from_disk  # type: ignore[import-untyped]  # it has no types

from recipes.gate import reason
from recipes.model import TextClassifier
from tests.recipes.conftest import Command
from tests.recipes.interrupted import SMALL
from tests.recipes.test_faults import Errors, only_error


@pytest.mark.parametrize(
    ("args", "message"),
    [
        # Lightning says so once it has the data, or amid the first step.
        (["--trainer.val_check_interval=10000"], "`val_check_interval` (10000) must be less than or equal to"),
        (["--trainer.limit_train_batches=0.001"], "Please increase the `limit_train_batches` argument"),
        (["--trainer.callbacks+=LearningRateMonitor", "--trainer.logger=false"], "with `Trainer` that has no logger"),
        (["--trainer.callbacks+=BatchSizeFinder"], "Field batch_size not found"),
        (["--model.optimizer=SparseAdam"], "SparseAdam does not support dense gradients"),
        # The recipes say so before.
        (["--model.optimizer=Adam", "--model.optimizer.lr=-1"], "Invalid learning rate: -1.0"),
        (
            ["--checkpoint.monitor=accuracy"],
            "checkpoint.monitor must be one of 'train_loss', 'val_loss', ",
        ),
        (["--early_stopping.monitor=loss"], "early_stopping.monitor must be one of 'train_loss', "),
        (["--trainer.accumulate_grad_batches=0"], "trainer.accumulate_grad_batches must be at least 1, 0 came"),
        (["--seed_everything=-1"], "seed_everything must be from 0 to 4294967295, -1 came"),
        (["--model.embedding_dim=100000000000"], "the memory is not enough, fewer batch_tokens or a smaller model"),
        (
            ["--trainer.logger.save_dir=file/runs"],
            "the folder 'file/runs/classifier/version_0' of the run ",
        ),
    ],
)
def test_a_refused_setting_is_one_line_and_leaves_nothing(
    command: Command, corpus_folder: str, capsys: Errors, args: list[str], message: str
) -> None:
    Path("file").touch()
    assert command(*SMALL, f"--data.path={corpus_folder}", *args) == 2
    assert message in only_error(capsys)
    assert [path.name for path in Path().iterdir()] == ["file"]


def test_a_missing_metric_after_an_epoch_is_one_line(command: Command, corpus_folder: str, capsys: Errors) -> None:
    more = ("--early_stopping.monitor=nope", "--trainer.callbacks+=RichModelSummary", "--trainer.max_epochs=1")
    assert command(*SMALL, f"--data.path={corpus_folder}", *more) == 2
    assert "Early stopping conditioned on metric `nope` which is not available" in only_error(capsys)
    assert Path("runs/classifier/version_0/checkpoints/last.ckpt").is_file()


def test_processes_of_torchrun_that_would_train_alone_are_refused(
    command: Command, corpus_folder: str, capsys: Errors, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"TORCHELASTIC_RUN_ID": "none", "WORLD_SIZE": "2", "RANK": "0", "LOCAL_RANK": "0"}.items():
        monkeypatch.setenv(name, value)
    assert command(*SMALL, f"--data.path={corpus_folder}") == 2
    assert "torchrun started 2 processes and the trainer has 1: give --trainer.strategy=ddp, " in only_error(capsys)
    assert not list(Path().iterdir())


def wrong_log(self: TextClassifier, batch: Any) -> None:
    self.log("nested", {"loss": {"a": torch.tensor(0)}})  # type: ignore[arg-type]  # that is what is wrong


def wrong_value(self: TextClassifier, batch: Any) -> None:
    raise RuntimeError("nested")


@pytest.mark.parametrize("step", [wrong_log, wrong_value])
def test_a_defect_keeps_its_traceback(
    command: Command, corpus_folder: str, monkeypatch: pytest.MonkeyPatch, step: Any
) -> None:
    monkeypatch.setattr(TextClassifier, "validation_step", step)
    with pytest.raises((ValueError, RuntimeError), match="nested"):
        command(*SMALL, f"--data.path={corpus_folder}")
    assert Path("runs/classifier/version_0/config.yaml").is_file()


def test_a_device_without_memory_and_lost_processes_are_no_defects() -> None:
    assert str(reason(torch.OutOfMemoryError("CUDA out of memory"))).startswith("the memory is not enough, ")
    assert "do not reach each other: timed out" in str(reason(torch.distributed.DistNetworkError("timed out")))
    assert reason(RuntimeError("shapes")) is None
    assert reason(ValueError("a value")) is None


@pytest.mark.parametrize(
    ("name", "args", "message"),
    [
        (
            "fit",
            ["--model.pooler=LastPooler"],
            "model.pooler is seqpool.AdditiveAttentionPooler there, seqpool.L",
        ),
        ("fit", ["--model.encoder=GRU"], "model.encoder is recipes.encoders.LSTM there, recipes.encoders.GRU here"),
        ("fit", ["--model.dropout=0.1"], "model.dropout is 0.3 there, 0.1 here; give those it was trained with"),
        ("fit", ["--model.optimizer.lr=0.1"], "model.optimizer.lr is 0.002 there, 0.1 here"),
        ("fit", ["--data.max_tokens=5"], "was trained on other texts, content "),
        ("fit", ["--data.path=FEWER"], "give the data, the seed and data.max_tokens that it was trained with"),
        ("test", ["--model.pooler=LastPooler"], "model.pooler is seqpool.AdditiveAttentionPooler there"),
        ("test", ["--data.path=RENAMED"], "it has 'fruit', 'metal', 'river', the data have 'river', 'fruit', 'metal'"),
        ("validate", ["--ckpt_path=null"], "validate needs a trained model: give --ckpt_path a checkpoint, or `last`"),
    ],
)
def test_a_checkpoint_of_another_making_is_refused(
    command: Command, corpus_folder: str, trained_run: Path, capsys: Errors, name: str, args: list[str], message: str
) -> None:
    data = load_from_disk(corpus_folder)
    if "FEWER" in args[0]:
        data["train"] = data["train"].select(range(59))
        data.save_to_disk("FEWER")
    if "RENAMED" in args[0]:
        data.cast_column("label", ClassLabel(names=["river", "fruit", "metal"])).save_to_disk("RENAMED")
    before = sorted(Path().iterdir())
    capsys.readouterr()
    given = (f"--config={trained_run.parents[1]}/config.yaml", f"--ckpt_path={trained_run}")
    assert command(name, *given, "--trainer.logger.save_dir=runs", *args) == 2
    assert message in only_error(capsys)
    assert sorted(Path().iterdir()) == before


def test_other_texts_of_the_same_classes_are_tested(
    command: Command, corpus_folder: str, trained_run: Path, capsys: Errors
) -> None:
    data = load_from_disk(corpus_folder)
    data["train"] = data["train"].map(lambda row: {"text": f"unknown words {row['text']}"})
    data.save_to_disk("other")
    given = (f"--config={trained_run.parents[1]}/config.yaml", f"--ckpt_path={trained_run}", "--trainer.logger=false")
    accuracies = []
    for more in ([], ["--data.path=./other"]):
        capsys.readouterr()
        assert not command("test", *given, *more)
        (accuracy,) = (line for line in capsys.readouterr().out.splitlines() if "test_accuracy" in line)
        accuracies.append(accuracy)
    assert accuracies[0] == accuracies[1]


def test_what_only_training_needs_may_differ_in_a_test(command: Command, trained_run: Path) -> None:
    given = (f"--config={trained_run.parents[1]}/config.yaml", f"--ckpt_path={trained_run}", "--trainer.logger=false")
    others = ("--model.dropout=0.1", "--model.optimizer.lr=0.1", "--model.encoder.dropout=0.2")
    assert not command("test", *given, *others, "--model.freeze_embedding=true")
    assert not list(Path().iterdir())


def test_without_a_logger_the_configuration_is_of_the_newest_training(command: Command, corpus_folder: str) -> None:
    line = (*SMALL, f"--data.path={corpus_folder}", "--trainer.logger=false", "--trainer.max_epochs=1")
    assert not command(*line)
    assert not command(*line, "--model.pooler=LastPooler")
    assert yaml.safe_load(Path("config.yaml").read_text())["model"]["pooler"]["class_path"] == "seqpool.LastPooler"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--data.max_texts=1"], "the linear model needs training texts of two classes: give more texts"),
        (["--data.path=letters"], "the linear model needs a word of two letters in the training texts, they have none"),
        (["--seed=5000000000"], "seed must be from 0 to 4294967295, 5000000000 came"),
        (["--epochs=0"], "epochs must be at least 1, 0 came"),
    ],
)
def test_a_comparison_that_cannot_be_is_one_line_and_leaves_nothing(
    command: Command, corpus_folder: str, capsys: Errors, args: list[str], message: str
) -> None:
    letters = load_from_disk(corpus_folder).map(lambda row: {"text": row["text"][:1]})
    letters.save_to_disk("letters")
    capsys.readouterr()
    assert command("compare", f"--data.path={corpus_folder}", "--poolers=LastPooler", *args) == 2
    assert message in only_error(capsys)
    assert [path.name for path in Path().iterdir()] == ["letters"]


def test_a_comparison_needs_a_folder_for_its_table(command: Command, corpus_folder: str, capsys: Errors) -> None:
    Path("file").touch()
    assert command("compare", f"--data.path={corpus_folder}", "--poolers=LastPooler", "--save_dir=file/of/tables") == 2
    assert "Not a directory: 'file/of" in only_error(capsys)
