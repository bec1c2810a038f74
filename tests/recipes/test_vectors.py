from functools import partial
from pathlib import Path

import pytest
import torch

from recipes.encoders import LSTM
from recipes.model import TextClassifier
from recipes.poolers import named
from recipes.vectors import read_vectors
from tests.recipes.conftest import Command

VOCABULARY = {"[PAD]": 0, "[UNK]": 1, "apple": 2, "iron": 3, "nile": 4}


def written(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("header", ["", "3 2\n"])
def test_rows_of_known_words_are_taken_and_the_others_stay(tmp_path: Path, header: str) -> None:
    path = written(tmp_path / "glove.txt", f"{header}apple 1 -2.5\n. . . 7 8\nnile 3e-1 4\nunheard 9 9\n")
    weight = torch.arange(10.0).reshape(5, 2)
    coverage = read_vectors(path, VOCABULARY, weight)
    assert weight.tolist() == [[0, 1], [2, 3], [1, -2.5], [6, 7], [pytest.approx(0.3), 4]]
    assert (coverage.found, coverage.words) == (2, 3)
    assert str(coverage) == f"{path}, 2 of 3 words (66.7%), the others random"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("apple 1 2 3\n", r"line 1 of .* has 3 numbers, 2 are needed: set model.embedding_dim=3"),
        ("2 1\napple 1 2 3\n", r"line 2 of .* has 3 numbers, 2 are needed"),
        ("iron 1 2\napple 1\n", r"line 2 of .* has 1 numbers, 2 are needed"),
        ("iron 1 2\napple 1 two\n", r"line 2 of .* holds what is no number: .*'two'"),
        ("apple 1 nan\n", r"line 1 of .* holds a number that is not finite"),
        ("zebra 1 2\n", r"have none of the 3 words of the data"),
        ("", r"have none of the 3 words"),
    ],
)
def test_a_file_that_cannot_be_used_changes_nothing(tmp_path: Path, text: str, message: str) -> None:
    weight = torch.zeros(5, 2)
    with pytest.raises(ValueError, match=message):
        read_vectors(written(tmp_path / "vectors.txt", text), VOCABULARY, weight)
    assert not weight.any()


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"apple \xff\xfe 1 2\n")
    for path, message in [
        ("binary", "are no text in UTF-8"),
        ("missing", "cannot be read: No such file"),
        (".", "dir"),
    ]:
        with pytest.raises(ValueError, match=message):
            read_vectors(str(tmp_path / path), VOCABULARY, torch.zeros(5, 2))


FIT = ["fit", "--model.encoder.hidden_size=4", "--trainer.max_epochs=1", "--trainer.enable_progress_bar=false"]


@pytest.mark.parametrize("frozen", [True, False])
def test_fit_starts_from_the_file_and_reports_its_coverage(
    command: Command, corpus_folder: str, capsys: pytest.CaptureFixture[str], frozen: bool
) -> None:
    written(Path("glove.txt"), "apple 1 2 3\niron 4 5 6\n")
    arguments = ["--model.embedding_dim=3", "--model.vectors=glove.txt", f"--model.freeze_embedding={frozen}"]
    assert not command(*FIT, f"--data.path={corpus_folder}", *arguments)
    assert "word vectors: glove.txt, 2 of 9 words (22.2%), the others random" in capsys.readouterr().out
    run = Path("runs/classifier/version_0")
    assert "2 of 9 words" in (run / "hparams.yaml").read_text()
    saved = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    rows = {tuple(row) for row in saved["state_dict"]["embedding.weight"].tolist()}
    assert ({(1.0, 2.0, 3.0), (4.0, 5.0, 6.0)} <= rows) is frozen
    # A checkpoint holds the rows, so testing one does not need the file.
    Path("glove.txt").unlink()
    assert not command("test", f"--config={run}/config.yaml", f"--ckpt_path={run}/checkpoints/last.ckpt")


@pytest.mark.parametrize("name", ["fit", "compare"])
def test_a_bad_file_is_one_line(
    command: Command, corpus_folder: str, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert command(name, f"--data.path={corpus_folder}", "--model.vectors=missing.txt") == 2
    errors = capsys.readouterr().err.splitlines()
    assert errors[-1] == "error: the word vectors 'missing.txt' cannot be read: No such file or directory"
    assert not list(Path().iterdir())


def test_a_frozen_embedding_gets_no_gradient() -> None:
    model = TextClassifier(
        named("MaskedMeanPooler"), 20, 3, partial(LSTM, hidden_size=4), embedding_dim=8, freeze_embedding=True
    )
    assert [name for name, weight in model.named_parameters() if not weight.requires_grad] == ["embedding.weight"]
