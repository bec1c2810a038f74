"""Checkpoints and data that cannot be used are one line and exit status 2, before anything is written."""

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from datasets import (  # type: ignore[import-untyped]  # it has no types
    ClassLabel,
    Dataset,
    DatasetDict,
    Features,
    Value,
)

from tests.recipes.conftest import FEATURES, Command, small_split
from tests.recipes.interrupted import ARGS
from tests.recipes.test_faults import Errors, only_error


def truncated(path: Path, good: Path) -> None:
    path.write_bytes(good.read_bytes()[:-2000])


def empty(path: Path, good: Path) -> None:
    path.touch()


def pickled_code(path: Path, good: Path) -> None:
    path.write_bytes(pickle.dumps(only_error))


def weights_alone(path: Path, good: Path) -> None:
    torch.save(torch.load(good, weights_only=True)["state_dict"], path)


def a_tensor(path: Path, good: Path) -> None:
    torch.save(torch.zeros(3), path)


def of_a_checkpoint(path: Path) -> list[str]:
    return ["test", f"--config={path.parents[1]}/config.yaml", f"--ckpt_path={path}", "--trainer.logger.save_dir=runs"]


@pytest.mark.parametrize("make", [truncated, empty, pickled_code, weights_alone, a_tensor])
def test_a_file_that_is_no_checkpoint(
    command: Command, corpus_folder: str, capsys: Errors, make: Callable[[Path, Path], None]
) -> None:
    good = Path("good.ckpt")
    torch.save({"state_dict": {"weight": torch.zeros(999)}, "loops": {}, "TextData": {}, "built_from": {}}, good)
    make(Path("bad.ckpt"), good)
    assert command("test", f"--data.path={corpus_folder}", "--ckpt_path=bad.ckpt") == 2
    assert "'bad.ckpt' is no checkpoint of a recipe: " in only_error(capsys)
    assert sorted(path.name for path in Path().iterdir()) == ["bad.ckpt", "good.ckpt"]


def numbers(folder: Path) -> None:
    features = Features({"text": Value("int64"), "label": ClassLabel(names=["a", "b"])})
    rows = {"text": [1, 2] * 20, "label": [0, 1] * 20}
    DatasetDict({"train": Dataset.from_dict(rows, features=features)}).save_to_disk(folder)


def no_texts(folder: Path) -> None:
    nothing = Dataset.from_dict({"text": [], "label": []}, features=FEATURES)
    DatasetDict({"train": nothing, "test": small_split(9)}).save_to_disk(folder)


def unlabelled(folder: Path) -> None:
    hidden = Dataset.from_dict({"text": ["x"] * 9, "label": [-1] * 9}, features=FEATURES)
    DatasetDict({"train": hidden, "test": small_split(9)}).save_to_disk(folder)


def csv_files(**files: bytes) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        folder.mkdir()
        for name, content in files.items():
            (folder / f"{name}.csv").write_bytes(content)

    return make


GOOD = b"text,label\n" + b"one,a\ntwo,b\n" * 20


# After an error `datasets` leaves the file open that it was in.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    ("make", "args", "message"),
    [
        (csv_files(train=b"words,label\nx,a\n"), ["--data.columns.text=text"], "no column 'text', its columns are"),
        (csv_files(train=b"words,label\nx,a\n", test=GOOD), [], "All the data files must have the same columns"),
        (
            csv_files(train=GOOD, test=b"text,label\nx,c\n"),
            [],
            "the label 'c' is in no training text, those have 'a', 'b'",
        ),
        (csv_files(train=b"", test=GOOD), [], "cannot be loaded"),
        (csv_files(train=GOOD.replace(b"one", b"\xff\xfe\x00")), [], "cannot be loaded: 'utf-8' codec can't decode"),
        (csv_files(train=GOOD), ["--test"], "has no labelled split for test"),
        (unlabelled, [], "the split 'train' has no labelled text in the columns 'text' and 'label'"),
        (no_texts, [], "cannot be loaded: a split that was saved has no rows"),
        (numbers, [], "a column of strings is needed as text, 'text' holds Value('int64'): choose columns.text"),
        (numbers, ["--data.columns.text=text"], "a column of strings is needed as text, 'text' holds Value('int64')"),
    ],
)
def test_data_that_cannot_be_used(
    command: Command,
    tmp_path: Path,
    trained_run: Path,
    capsys: Errors,
    monkeypatch: pytest.MonkeyPatch,
    make: Callable[[Path], None],
    args: list[str],
    message: str,
) -> None:
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    make(tmp_path / "data")
    line = of_a_checkpoint(trained_run) if args == ["--test"] else [*ARGS, *args]
    assert command(*line, "--data.path=./data", "--data.columns.label=label") == 2
    assert message in only_error(capsys)
    assert not Path("runs").exists()


def test_a_class_number_out_of_range(command: Command, tmp_path: Path, trained_run: Path, capsys: Errors) -> None:
    broken = small_split(12).cast_column("label", Value("int64")).map(lambda row: {"label": row["label"] + 5})
    DatasetDict({"train": small_split(60), "test": broken}).save_to_disk(tmp_path / "data")
    assert command(*of_a_checkpoint(trained_run), "--data.path=./data") == 2
    assert "the label 5 in the column 'label' is out of range: it names 3 classes, 0 to 2" in only_error(capsys)
