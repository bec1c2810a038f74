"""The command writes every format, checked and timed; what cannot be written says so in one line."""

import json
from pathlib import Path

import numpy as np
import onnxruntime  # type: ignore[import-untyped]  # it has no types
import pytest
import torch
from tokenizers import Tokenizer
from torch._inductor.exc import InvalidCxxCompiler

from recipes.export.cli import FORMATS
from recipes.export.formats import Run
from recipes.export.onnx import Onnx
from recipes.export.scorer import Scorer
from tests.deploy.models import needs_compiler, quiet
from tests.recipes.conftest import WORDS, Command
from tests.recipes.predictions import alone

pytestmark = quiet
TEXTS = ["apple plum", "", "iron unseen zinc , iron", "nile", "tin " * 20]
BESIDE = {"labels.json", "tokenizer.json", "config.yaml", "export.json"}


def served(folder: Path, texts: list[str]) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Probabilities as a stranger computes them, from the folder alone, without torch."""
    facts = json.loads((folder / "export.json").read_text())
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    ids = [tokenizer.encode(text).ids[: facts["max_tokens"]] for text in texts]
    padded = np.zeros((len(ids), max(map(len, ids))), dtype=np.int64)
    for row, one in enumerate(ids):
        padded[row, : len(one)] = one
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"))
    (scores,) = session.run(["scores"], {"ids": padded, "lengths": np.array(list(map(len, ids)), dtype=np.int64)})
    powers = np.exp(scores - scores.max(1, keepdims=True))
    probabilities: np.ndarray[tuple[int, ...], np.dtype[np.float32]] = powers / powers.sum(1, keepdims=True)
    return probabilities


@needs_compiler
def test_the_command_writes_checks_and_times_all(
    command: Command, trained_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not command("export", f"--ckpt_path={trained_run}", "--output=out/model")
    shown = capsys.readouterr().out
    folder = Path("out/model")
    assert {path.name for path in folder.iterdir()} == {form.file for form in FORMATS.values()} | BESIDE
    assert {path.name for path in folder.parent.iterdir()} == {"model"}
    assert json.loads((folder / "labels.json").read_text()) == list(WORDS)
    report = json.loads((folder / "export.json").read_text())["files"]
    assert {one["format"]: one["steps"] for one in report} == {
        "onnx": None,
        "program": 8,
        "aoti": 8,
        "safetensors": None,
    }
    assert all(one["difference"] < 1e-5 and one["milliseconds"] > 0 and one["ratio"] > 0 for one in report)
    # The small corpus has 18 test texts; the empty one comes once more.
    assert "on 19 texts in " in shown
    torch.testing.assert_close(torch.tensor(served(folder, TEXTS)), torch.tensor(alone(trained_run, TEXTS)))


def test_the_texts_to_check_with_may_be_others(
    command: Command, trained_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("texts.txt").write_text("apple\n" * 40)
    args = ("--formats=safetensors,safetensors", "--input=texts.txt", "--texts=7")
    assert not command("export", f"--ckpt_path={trained_run}", *args)
    assert "on 8 texts in 1 batches" in capsys.readouterr().out
    assert {path.name for path in Path("exported").iterdir()} == {"model.safetensors"} | BESIDE


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--ckpt_path=none.ckpt"], "'none.ckpt' is no checkpoint of a recipe: "),
        (["--formats=onnx,tflite"], "there is no format 'tflite', there are onnx, program, aoti, safetensors"),
        (["--output=taken"], "there is something at 'taken' already: remove it, or give another --output"),
        (["--output=taken/file"], "there is something at 'taken/file' already"),
        (["--split=dev"], "has no split 'dev', it has 'train', 'validation', 'test': give --split"),
        (["--texts=0"], "texts must be at least 1, 0 came"),
        (["--formats=aoti"], "aoti cannot be written: AOTInductor needs a C++ compiler, and none is found: install "),
        (["--formats=onnx"], "onnx gives other scores than the model: 0.01 apart on "),
        (["--formats=program"], "program cannot be written: RuntimeError: no such operator; leave it out of --formats"),
    ],
)
def test_what_cannot_be_exported_is_one_line_and_leaves_nothing(
    command: Command,
    trained_run: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    args: list[str],
    message: str,
) -> None:
    def no_compiler() -> str:
        raise InvalidCxxCompiler

    def no_operator(*_: object, **__: object) -> None:
        raise RuntimeError("no such\noperator")

    def wrong(self: Onnx, scorer: Scorer, path: Path) -> Run:
        return lambda ids, lengths: scorer(ids, lengths) + 0.01

    monkeypatch.setattr("recipes.export.programs.get_cpp_compiler", no_compiler)
    monkeypatch.setattr("torch.export.export", no_operator)
    monkeypatch.setattr(Onnx, "load", wrong)
    Path("taken").mkdir()
    Path("taken/file").write_text("of before")
    assert command("export", f"--ckpt_path={trained_run}", *args) == 2
    errors = [line for line in capsys.readouterr().err.splitlines() if "error" in line]
    assert len(errors) == 1
    assert errors[0].startswith("error: ")
    assert message in errors[0]
    assert [str(path) for path in Path().rglob("*")] == ["taken", "taken/file"]


def test_all_leaves_out_what_cannot_be_and_says_why(
    command: Command, corpus_folder: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    projected = ("--model.encoder.proj_size=2", "--model.encoder.hidden_size=4", "--model.embedding_dim=4")
    fit = ("fit", f"--data.path={corpus_folder}", "--trainer.max_epochs=1", "--trainer.enable_progress_bar=false")
    assert not command(*fit, "--data.max_tokens=4", *projected)
    (checkpoint,) = Path().rglob("best.ckpt")
    monkeypatch.setattr("recipes.export.programs.Compiled.refusal", lambda *_: "not here")
    capsys.readouterr()
    assert command("export", f"--ckpt_path={checkpoint}", "--formats=onnx") == 2
    sentence = "ONNX has no LSTM with projection (proj_size): program, aoti and safetensors work"
    assert capsys.readouterr().err == f"error: onnx cannot be written: {sentence}\n"
    assert not command("export", f"--ckpt_path={checkpoint}")
    shown = capsys.readouterr().out
    assert f"left out, onnx: {sentence}\n" in shown
    assert "left out, aoti: not here\n" in shown
    assert {path.name for path in Path("exported").iterdir()} == {"model.pt2", "model.safetensors"} | BESIDE
