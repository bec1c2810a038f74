"""Lines, files and datasets in; label and probabilities out, in their order."""

import csv
import json
from pathlib import Path

import pyarrow as pa  # type: ignore[import-untyped]  # it has no types
import pytest
from datasets import load_from_disk  # type: ignore[import-untyped]  # it has no types
from pyarrow import parquet

from tests.recipes.conftest import Command
from tests.recipes.predictions import CLASSES, TEXTS, assert_predicts, give, read


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
