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
def test_a_strangers_folder_trains_is_tested_and_predicts_with_no_yaml(
    command: Command, capsys: pytest.CaptureFixture[str], streaming: str
) -> None:
    folder, tested = Path("strangers"), [*ROWS[:6], ("", "rice")]
    folder.mkdir()
    csv_file(folder / "train.csv", [*ROWS, ("", "tea")])
    csv_file(folder / "test.csv", tested)
    small = ["--model.encoder.hidden_size=8", "--trainer.max_epochs=1", "--trainer.enable_progress_bar=false"]
    data = ["--data.path=strangers/", f"--data.streaming={streaming}"]
    assert not command("fit", *data, *small)
    assert "2 classes, texts: 37 train, 4 validation, 7 test" in capsys.readouterr().out
    run = "runs/classifier/version_0"
    assert not command("test", f"--config={run}/config.yaml", f"--ckpt_path={run}/checkpoints/last.ckpt")
    assert "test_accuracy" in capsys.readouterr().out
    predict = ["predict", f"--ckpt_path={run}/checkpoints/last.ckpt", "--input=strangers/"]
    assert not command(*predict, "--output=out.jsonl")
    assert_labelled(Path("out.jsonl"), [text for text, _ in tested])


def assert_labelled(output: Path, texts: list[str]) -> None:
    """Every text in its order, with probabilities and the class of the greatest."""
    rows = [json.loads(line) for line in output.read_text().splitlines()]
    assert [row["text"] for row in rows] == texts
    for row in rows:
        shares = {label: row[f"probability_{label}"] for label in ("rice", "tea")}
        assert set(row) == {"text", "label", "probability_rice", "probability_tea"}
        assert sum(shares.values()) == pytest.approx(1)
        assert row["label"] == max(shares, key=lambda label: shares[label])


@pytest.mark.parametrize("columns", [["review", "stars", "author"], ["review", "label", "author"], ["review", "label"]])
def test_predict_reads_the_column_that_was_trained_on(command: Command, columns: list[str]) -> None:
    folder = Path("strangers")
    folder.mkdir()
    for name in ("train", "test"):
        lines = [",".join([f"about {label}", label, "somebody"][: len(columns)]) for _, label in ROWS]
        (folder / f"{name}.csv").write_text("\n".join([",".join(columns), *lines]) + "\n")
    small = ["--model.encoder.hidden_size=8", "--trainer.max_epochs=1", "--trainer.enable_progress_bar=false"]
    given = [f"--data.columns.text={columns[0]}", f"--data.columns.label={columns[1]}"] if len(columns) > 2 else []
    assert not command("fit", "--data.path=strangers/", *given, *small)
    (checkpoint,) = Path().rglob("last.ckpt")
    predict = ["predict", f"--ckpt_path={checkpoint}", "--output=out.jsonl"]
    assert not command(*predict, "--input=strangers/")
    assert_labelled(Path("out.jsonl"), [f"about {label}" for _, label in ROWS])
    # Texts of another making are found as before.
    Path("others.csv").write_text("body\nsome tea\n")
    assert not command(*predict, "--input=others.csv")
    assert_labelled(Path("out.jsonl"), ["some tea"])


def test_the_configuration_of_a_hub_dataset_is_none_of_a_folders(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("strangers").mkdir()
    csv_file(Path("strangers/train.csv"))
    assert command("fit", "--data.path=strangers", "--data.name=plus", "--trainer.max_epochs=1") == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert "BuilderConfig 'plus' not found" in line
    assert line.endswith("; leave the name out with --data.name=null")
    assert not Path("runs").exists()


ROW = "".join(f"{text.split(',')[0]} {n},{label}\n" for n, (text, label) in enumerate(ROWS))


# `datasets` leaves a file open that it could not read.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("streaming", ["false", "true"])
@pytest.mark.parametrize(
    ("train", "test", "message"),
    [
        ("text,label\n", None, {"false": 'Instruction "train" corresponds to no data', "true": "'bad' has no row"}),
        (b"text,label\n\xff\xfe\x00\x01,a\n", None, "cannot be loaded: 'utf-8' codec can't decode"),
        ("body,label,other\n" + ROW.replace(",", ",x,"), None, "several columns may be the text, 'body', 'other'"),
        ("text,label\n1,a\n2,b\n", None, "a column of strings is needed as text, 'text' holds Value('int64')"),
        ("text,label\na,0.5\nb,1.5\n", None, "labels must be classes, the column 'label' holds the fraction 0.5"),
        ("text,label\n" + ROW, "text,label\na,coffee\n", "the label 'coffee' is in no training text, those have"),
        (
            "text,label\n" + ROW,
            "text,kind\na,tea\n",
            {
                "false": "because column names don't match",
                "true": "a row has no column 'label', its columns are 'text', ",
            },
        ),
        ("text,label\na,tea\nb,tea\n", None, "two classes are needed at least, the training texts have 'tea' alone"),
    ],
)
def test_bad_files_are_one_line_and_leave_nothing(
    command: Command,
    capsys: pytest.CaptureFixture[str],
    streaming: str,
    train: str | bytes,
    test: str | None,
    message: str | dict[str, str],
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
    # What `datasets` says itself depends on how it reads.
    assert (message if isinstance(message, str) else message[streaming]) in errors[0]
    assert not Path("runs").exists()


@pytest.mark.parametrize("path", ["./none.csv", "no/such/folder", "none/"])
def test_a_path_that_is_not_there(path: str) -> None:
    with pytest.raises(ValueError, match=f"there is no folder '{path}'"):
        TextData(path, columns=USUAL).corpus  # noqa: B018  # reading it loads it
