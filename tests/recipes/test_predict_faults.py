"""Bad input to `predict` is one line, and nothing has changed."""

from pathlib import Path

import pytest
import torch

from tests.recipes.conftest import Command


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--ckpt_path=none.ckpt"], "'none.ckpt' is no checkpoint of a recipe: No such file"),
        (["--ckpt_path=texts.txt"], "'texts.txt' is no checkpoint of a recipe: "),
        (
            ["--ckpt_path=foreign.ckpt"],
            "'foreign.ckpt' is no checkpoint of a recipe: it has no TextData, built_from",
        ),
        (["--ckpt_path=old.ckpt"], "the checkpoint 'old.ckpt' holds no labels: train again with `fit`"),
        (["--ckpt_path=moved.ckpt"], "no config.yaml beside the checkpoint, neither config.yaml nor "),
        (["--config=none.yaml"], "the configuration 'none.yaml' cannot be read: No such file or directory"),
        (["--config=foreign.ckpt"], "the configuration 'foreign.ckpt' is no YAML: "),
        (["--config=texts.txt"], "the configuration 'texts.txt' says nothing of a model: give a run's config.yaml"),
        (["--config=other.yaml"], "was built from other arguments: model.pooler is "),
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
