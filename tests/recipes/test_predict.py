"""Lines, files and datasets in; label and probabilities out, in their order, whole or not at all."""

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]  # it has no types
import pytest
import torch
from datasets import load_from_disk  # type: ignore[import-untyped]  # it has no types
from pyarrow import parquet  # type: ignore[import-untyped]  # it has no types

from recipes.trained import load_trained
from tests.recipes.conftest import WORDS, Command

ROOT = Path(__file__).resolve().parents[2]
TEXTS = ["apple plum", "", "iron <b>tin</b> \u00fc", "nile unseen volga, nile", "", "zinc " * 30]
CLASSES = list(WORDS)


def alone(checkpoint: Path, texts: list[str]) -> list[list[float]]:
    """Probabilities of each text by itself, without padding."""
    trained = load_trained(str(checkpoint))
    rows = []
    for text in texts:
        ids = trained.tokenizer.encode(text).ids[:8]
        scores = trained.model(torch.tensor([ids], dtype=torch.long), torch.tensor([len(ids)]))
        rows.append(scores[0].softmax(0).tolist())
    return rows


def assert_predicts(rows: list[dict[str, Any]], checkpoint: Path, texts: list[str]) -> None:
    assert [row["text"] for row in rows] == texts
    expected = alone(checkpoint, texts)
    came = [[float(row[f"probability_{name}"]) for name in CLASSES] for row in rows]
    torch.testing.assert_close(torch.tensor(came), torch.tensor(expected), rtol=1e-5, atol=1e-6)
    assert [row["label"] for row in rows] == [CLASSES[every.index(max(every))] for every in expected]
    assert set(rows[0]) == {"text", "label", *(f"probability_{name}" for name in CLASSES)}


def read(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".csv":
        return list(csv.DictReader(path.read_text().splitlines()))
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text().splitlines()]
    rows: list[dict[str, Any]] = parquet.read_table(path).to_pylist()
    return rows


def give(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


def test_lines_of_standard_input(
    command: Command, trained_run: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    # Windows' ends of line, an empty line, none behind the last; what Unicode alone calls a line's end is none.
    give(monkeypatch, "\ufeffapple plum\r\n\nnile\u2028volga".encode())
    assert not command("predict", f"--ckpt_path={trained_run}")
    written = capsysbinary.readouterr().out.decode()
    assert_predicts(list(csv.DictReader(written.split("\n"))), trained_run, ["apple plum", "", "nile\u2028volga"])
    assert list(Path().iterdir()) == []


def test_no_lines_make_an_empty_table(command: Command, trained_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    give(monkeypatch, b"")
    assert not command("predict", f"--ckpt_path={trained_run}", "--output=none.parquet")
    assert parquet.read_table("none.parquet").shape == (0, 2 + len(CLASSES))


@pytest.mark.parametrize("chunk", [1, 2, 1000])
@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet"])
def test_every_output_in_chunks_of_any_size(command: Command, trained_run: Path, ending: str, chunk: int) -> None:
    Path("texts.txt").write_text("\n".join(TEXTS) + "\n")
    args = ("--input=texts.txt", f"--output=out{ending}", f"--chunk_texts={chunk}", "--batch_tokens=9")
    assert not command("predict", f"--ckpt_path={trained_run}", *args)
    assert_predicts(read(Path(f"out{ending}")), trained_run, TEXTS)
    assert {path.name for path in Path().iterdir()} == {"texts.txt", f"out{ending}"}


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_every_file_with_columns(
    command: Command, trained_run: Path, ending: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    texts = [*TEXTS, "None", 'a, "b"\tc']
    rows = [{"review": text, "stars": stars} for stars, text in enumerate(texts)]
    path = Path(f"in{ending}")
    if ending == ".jsonl":
        path.write_text("\n".join(map(json.dumps, rows)))
    elif ending == ".parquet":
        parquet.write_table(pa.Table.from_pylist(rows), path)
    else:
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, ["review", "stars"], delimiter="\t" if ending == ".tsv" else ",")
            writer.writeheader()
            writer.writerows(rows)
    assert not command("predict", f"--ckpt_path={trained_run}", f"--input={path}", "--output=out.jsonl")
    assert_predicts(read(Path("out.jsonl")), trained_run, texts)


def test_a_dataset_and_one_of_its_splits(command: Command, trained_run: Path, corpus_folder: str) -> None:
    for split, args in (("test", ()), ("train", ("--split=train",))):
        assert not command(
            "predict", f"--ckpt_path={trained_run}", f"--input={corpus_folder}", "--output=out.jsonl", *args
        )
        assert_predicts(read(Path("out.jsonl")), trained_run, load_from_disk(corpus_folder)[split]["text"][:])


def test_the_configuration_may_lie_elsewhere(command: Command, trained_run: Path) -> None:
    Path("texts.txt").write_text("apple\n")
    Path("moved.ckpt").write_bytes(trained_run.read_bytes())
    args = ("predict", "--ckpt_path=moved.ckpt", "--input=texts.txt", "--output=out.csv")
    assert not command(*args, f"--config={trained_run.parent.parent / 'config.yaml'}")
    assert_predicts(read(Path("out.csv")), trained_run, ["apple"])


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--ckpt_path=none.ckpt"], "'none.ckpt' is no checkpoint of a recipe: No such file"),
        (["--ckpt_path=texts.txt"], "'texts.txt' is no checkpoint of a recipe: "),
        (["--ckpt_path=foreign.ckpt"], "'foreign.ckpt' is no checkpoint of a recipe: it has no TextData, loops"),
        (["--ckpt_path=old.ckpt"], "the checkpoint 'old.ckpt' holds no labels: train again with `fit`"),
        (["--ckpt_path=moved.ckpt"], "no config.yaml beside the checkpoint, neither config.yaml nor "),
        (["--config=none.yaml"], "the configuration 'none.yaml' cannot be read: No such file or directory"),
        (["--config=foreign.ckpt"], "the configuration 'foreign.ckpt' is no YAML: "),
        (["--config=texts.txt"], "the configuration 'texts.txt' says nothing of a model: give a run's config.yaml"),
        (["--config=other.yaml"], "is of another model: "),
        (["--output=out.xlsx"], "the output must end in .csv, .jsonl, .parquet, 'out.xlsx' came"),
        (["--output=none/out.csv"], "'none/out.csv' cannot be written: it is a folder, or lies in none"),
        (["--explain=none/out.html"], "'none/out.html' cannot be written: it is a folder, or lies in none"),
        (["--input=none.csv"], "there is no file 'none.csv'"),
        (["--input=none.txt"], "there is no file 'none.txt'"),
        (["--input=./none"], "there is no folder './none'"),
        (["--input=numbers.csv"], "which column of 'numbers.csv' holds the texts? none of its columns does, 'a', 'b'"),
        (
            ["--input=two.csv"],
            "which column of 'two.csv' holds the texts? several may be, 'a', 'b': name it with --col",
        ),
        (["--input=two.csv", "--column=c"], "'two.csv' has no column 'c', its columns are 'a', 'b'"),
        (["--input=numbers.csv", "--column=a"], "a column of strings is needed, 'a' holds Value('int64')"),
        (["--input=FOLDER", "--split=dev"], "has no split 'dev', it has 'train', 'validation', 'test': give --split"),
        (["--input=foreign.ckpt"], "line 1 of 'foreign.ckpt' is no text in UTF-8: "),
        (["--input=late.txt", "--chunk_texts=1"], "line 3 of 'late.txt' is no text in UTF-8: "),
        (["--chunk_texts=0"], "chunk_texts must be at least 1, 0 came"),
        (["--trainer.precision=bf17"], "Precision 'bf17' is invalid"),
        (["--input=-", "--trainer.devices=2"], "standard input can be read by one process alone: give --input a file"),
        (["--bogus=1"], "unrecognized arguments: --bogus=1"),
    ],
)
def test_bad_input_is_one_line_and_changes_nothing(
    command: Command,
    trained_run: Path,
    corpus_folder: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    args: list[str],
    message: str,
) -> None:
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path.parent / "cache")
    moved = torch.load(trained_run, weights_only=True)
    torch.save(moved, "moved.ckpt")
    del moved["TextData"]["labels"]
    torch.save(moved, "old.ckpt")
    torch.save({"state_dict": {}}, "foreign.ckpt")
    Path("other.yaml").write_text("model: {pooler: MaskedMeanPooler}\n")
    Path("texts.txt").write_text("apple\n")
    Path("late.txt").write_bytes(b"apple\nplum\n\xff\n")
    Path("numbers.csv").write_text("a,b\n1,2\n")
    Path("two.csv").write_text("a,b\nx,y\n")
    Path("out.csv").write_text("of before")
    before = {path.name: path.read_bytes() for path in Path().iterdir()}
    capsys.readouterr()
    given = [arg.replace("FOLDER", corpus_folder) for arg in args]
    usual = ["--input=texts.txt", "--output=out.csv", f"--ckpt_path={trained_run}", "--trainer.accelerator=cpu"]
    # The last of two values counts.
    assert command("predict", *usual, *given) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("error: ")
    assert message in lines[0]
    assert {path.name: path.read_bytes() for path in Path().iterdir()} == before


def run(folder: Path, *args: str, script: str | None = None) -> subprocess.CompletedProcess[str]:
    start = ["-m", "recipes", "predict"] if script is None else ["-c", script]
    paths = {"PYTHONPATH": str(ROOT), "HF_DATASETS_CACHE": str(folder / "cache"), "HF_HUB_OFFLINE": "1"}
    return subprocess.run(
        [sys.executable, *start, *args],
        cwd=folder,
        env=os.environ | paths | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_two_processes_write_what_one_does(command: Command, trained_run: Path, tmp_path: Path) -> None:
    Path("texts.txt").write_text("\n".join(TEXTS * 3) + "\n")
    args = [f"--ckpt_path={trained_run}", "--input=texts.txt", "--chunk_texts=4"]
    assert not command("predict", *args, "--output=one.csv")
    two = ("--output=two.csv", "--trainer.accelerator=cpu", "--trainer.devices=2", "--trainer.strategy=ddp")
    done = run(tmp_path, *args, *two)
    assert done.returncode == 0, done.stderr
    assert Path("two.csv").read_bytes() == Path("one.csv").read_bytes()
    assert {path.name for path in Path().iterdir()} == {"texts.txt", "one.csv", "two.csv"}


MEASURE = """
import resource, sys
from recipes.predict.cli import predict

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

args = ["--ckpt_path", sys.argv[1], "--output", "out.csv", "--chunk_texts", "200", "--input"]
predict([*args, "small.csv"])
small = peak()
predict([*args, "large.csv"])
print(f"{peak() - small:.1f}")
"""


def test_predict_at_a_bounded_memory(trained_run: Path, tmp_path: Path) -> None:
    text = " ".join(f"word{n}" for n in range(700))
    for name, megabytes in (("small", 3), ("large", 30)):
        with (tmp_path / f"{name}.csv").open("w") as file:
            file.write("text\n")
            file.writelines(f"{n} {text}\n" for n in range(megabytes * 10**6 // len(text)))
    done = run(tmp_path, str(trained_run), script=MEASURE)
    assert done.returncode == 0, done.stderr
    # Its texts alone take 30 MB, their table as many more.
    assert float(done.stdout.split()[-1]) < 15
