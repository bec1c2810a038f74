"""A stranger's files, as they come, read into memory and streamed."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from datasets import Dataset  # type: ignore[import-untyped]  # it has no types

from recipes.data.columns import USUAL
from recipes.data.module import TextData
from tests.recipes.conftest import Command

ROWS = [(f"a sentence, with a comma, on {kind} {number}", kind) for number in range(20) for kind in ("tea", "rice")]


def csv_file(path: Path, rows: list[tuple[str, str]] = ROWS) -> None:
    path.write_text("\n".join(["text,label", *(f'"{text}",{label}' for text, label in rows)]) + "\n")


def tsv_file(path: Path) -> None:
    path.write_text("\n".join(["text\tlabel", *("\t".join(row) for row in ROWS)]))


def json_lines(path: Path) -> None:
    path.write_text("\n".join(json.dumps({"text": text, "label": label}) for text, label in ROWS))


def parquet(path: Path) -> None:
    Dataset.from_dict({"text": [text for text, _ in ROWS], "label": [label for _, label in ROWS]}).to_parquet(path)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize(
    ("suffix", "write"), [("csv", csv_file), ("tsv", tsv_file), ("jsonl", json_lines), ("parquet", parquet)]
)
@pytest.mark.parametrize("file", [False, True])
def test_a_folder_or_a_file_of_any_format(
    tmp_path: Path, suffix: str, write: Callable[[Path], None], streaming: bool, file: bool
) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    path = folder / f"reviews.{suffix}"
    write(path)
    corpus = TextData(str(path if file else folder), streaming=streaming).corpus
    assert corpus.labels == ["rice", "tea"]
    rows = [row for split in corpus.splits.values() for row in split]
    found = sorted((row["text"], corpus.labels[row["label"]]) for row in rows)
    assert found == sorted(ROWS)
    assert set(corpus.splits) == {"train", "validation"}


@pytest.mark.parametrize("streaming", [False, True])
def test_words_that_pandas_takes_for_nothing_are_words(tmp_path: Path, streaming: bool) -> None:
    csv_file(tmp_path / "train.csv", [*ROWS, ("null", "None"), ("NA", "None"), ("", "tea"), ("lost", "")])
    csv_file(tmp_path / "validation.csv")
    corpus = TextData(str(tmp_path), streaming=streaming).corpus
    assert corpus.labels == ["None", "rice", "tea"]
    texts = [row["text"] for row in corpus.splits["train"]]
    assert texts[-3:] == ["null", "NA", ""]


@pytest.mark.parametrize("streaming", ["false", "true"])
def test_a_strangers_folder_trains_and_is_tested_with_no_yaml(
    command: Command, capsys: pytest.CaptureFixture[str], streaming: str
) -> None:
    folder = Path("strangers")
    folder.mkdir()
    csv_file(folder / "train.csv", [*ROWS, ("", "tea")])
    csv_file(folder / "test.csv", [*ROWS[:6], ("", "rice")])
    small = ["--model.encoder.hidden_size=8", "--trainer.max_epochs=1", "--trainer.enable_progress_bar=false"]
    data = ["--data.path=strangers/", f"--data.streaming={streaming}"]
    assert not command("fit", *data, *small)
    assert "2 classes, texts: 37 train, 4 validation, 7 test" in capsys.readouterr().out
    run = "runs/classifier/version_0"
    assert not command("test", f"--config={run}/config.yaml", f"--ckpt_path={run}/checkpoints/last.ckpt")
    assert "test_accuracy" in capsys.readouterr().out


ROW = "".join(f"{text.split(',')[0]} {n},{label}\n" for n, (text, label) in enumerate(ROWS))


# `datasets` leaves a file open that it could not read.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("streaming", ["false", "true"])
@pytest.mark.parametrize(
    ("train", "test", "message"),
    [
        ("text,label\n", None, ""),
        (b"text,label\n\xff\xfe\x00\x01,a\n", None, "cannot be loaded: 'utf-8' codec can't decode"),
        ("body,label,other\n" + ROW.replace(",", ",x,"), None, "several columns may be the text, 'body', 'other'"),
        ("text,label\n1,a\n2,b\n", None, "a column of strings is needed as text, 'text' holds Value('int64')"),
        ("text,label\na,0.5\nb,1.5\n", None, "labels must be classes, the column 'label' holds the fraction 0.5"),
        ("text,label\n" + ROW, "text,label\na,coffee\n", "the label 'coffee' is in no training text, those have"),
        ("text,label\n" + ROW, "text,kind\na,tea\n", "label"),
        ("text,label\na,tea\nb,tea\n", None, "two classes are needed at least, the training texts have 'tea' alone"),
    ],
)
def test_bad_files_are_one_line_and_leave_nothing(
    command: Command,
    capsys: pytest.CaptureFixture[str],
    streaming: str,
    train: str | bytes,
    test: str | None,
    message: str,
) -> None:
    folder = Path("bad")
    folder.mkdir()
    (folder / "train.csv").write_bytes(train if isinstance(train, bytes) else train.encode())
    if test is not None:
        (folder / "test.csv").write_text(test)
    assert command("fit", "--data.path=bad", f"--data.streaming={streaming}") == 2
    errors = [line for line in capsys.readouterr().err.splitlines() if "error" in line]
    assert len(errors) == 1
    assert errors[0].startswith("error: ")
    assert message in errors[0]
    assert not Path("runs").exists()


@pytest.mark.parametrize("path", ["./none.csv", "no/such/folder", "none/"])
def test_a_path_that_is_not_there(path: str) -> None:
    with pytest.raises(ValueError, match=f"there is no folder '{path}'"):
        TextData(path, columns=USUAL).corpus  # noqa: B018  # reading it loads it
