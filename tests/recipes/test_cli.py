import csv
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml  # type: ignore[import-untyped]  # it has no types

from recipes.gate import OneLineParser
from tests.recipes.conftest import Command

ROOT = Path(__file__).resolve().parents[2]
SMALL = ["--model.encoder.hidden_size=8", "--model.embedding_dim=8", "--trainer.enable_progress_bar=false"]


def fit(command: Command, folder: str, *args: str) -> int:
    return command("fit", f"--data.path={folder}", "--trainer.max_epochs=1", *SMALL, *args)


def test_fit_by_short_name_links_the_width_and_writes_a_run(command: Command, corpus_folder: str) -> None:
    assert not fit(command, corpus_folder, "--model.pooler=AdditiveAttentionPooler", "--model.pooler.hidden_features=5")
    run = Path("runs/classifier/version_0")
    (events,) = run.glob("events.out.tfevents.*")
    assert events.stat().st_size
    written = {path.name for path in run.iterdir()} - {events.name}
    assert written == {"checkpoints", "config.yaml", "hparams.yaml", "metrics.csv"}
    assert {path.name for path in (run / "checkpoints").iterdir()} == {"best.ckpt", "last.ckpt"}
    weights = torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)["state_dict"]
    # Eight units each way make steps of 16 features.
    assert (5, 16) in {tuple(weight.shape) for name, weight in weights.items() if name.startswith("encoder.pooler.")}
    rows = list(csv.DictReader((run / "metrics.csv").read_text().splitlines()))
    assert {"epoch", "train_loss", "val_loss", "val_accuracy", "val_macro_f1"} <= set(rows[0])
    facts = yaml.safe_load((run / "hparams.yaml").read_text())
    assert "content " in facts["data"]
    assert facts["data versions"].startswith("datasets ")


def test_a_pooler_without_the_argument_is_not_given_the_width(command: Command, corpus_folder: str) -> None:
    assert not fit(command, corpus_folder, "--model.pooler=BiMergePooler", "--model.pooler.merge=max")
    config = yaml.safe_load(Path("runs/classifier/version_0/config.yaml").read_text())
    assert config["model"]["pooler"] == {"class_path": "seqpool.BiMergePooler", "init_args": {"merge": "max"}}


def test_the_number_of_layers_is_linked(command: Command, corpus_folder: str) -> None:
    layers = ("--model.encoder.num_layers=2", "--model.pooler=LayerConcatPooler")
    assert not fit(command, corpus_folder, *layers)
    weights = torch.load("runs/classifier/version_0/checkpoints/last.ckpt", weights_only=True)["state_dict"]
    assert weights["head.weight"].shape == (3, 2 * 2 * 8)


def test_a_run_is_tested_and_resumed(command: Command, corpus_folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert not fit(command, corpus_folder)
    run = Path("runs/classifier/version_0")
    again = (f"--config={run}/config.yaml", f"--ckpt_path={run}/checkpoints/last.ckpt")
    capsys.readouterr()
    assert not command("test", *again)
    assert "test_macro_f1" in capsys.readouterr().out
    assert not command("validate", *again)
    assert "val_accuracy" in capsys.readouterr().out
    assert not command("fit", *again, "--trainer.max_epochs=2")
    resumed = torch.load("runs/classifier/version_3/checkpoints/last.ckpt", weights_only=True)
    assert (resumed["epoch"], "tokenizer" in resumed["TextData"]) == (2, True)


def test_the_yaml_file_says_what_a_plain_fit_does(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    file = ROOT / "recipes" / "configs" / "docstrings.yaml"
    assert file.read_text().startswith("# python -m recipes fit --config recipes/configs/docstrings.yaml\n")
    assert not command("fit", "--print_config")
    plain = capsys.readouterr().out
    assert not command("fit", f"--config={file}", "--print_config")
    assert yaml.safe_load(capsys.readouterr().out) == yaml.safe_load(plain)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "a command is needed, one of fit, validate, test, predict, export, compare; none came: see "),
        (["fti"], "'fti' came: see python -m recipes --help"),
        (["--seed_everything=1"], "seed_everything"),
        (["fit", "--bogus=1"], "unrecognized arguments: --bogus=1"),
        (["fit", "--model.pooler=NoPooler"], "NoPooler; the poolers are AdditiveAttentionPooler, "),
        (["fit", "--model.pooler=BiMergePooler", "--model.pooler.merge=xor"], "Literal['sum', 'mean', 'max', 'mul']"),
        (["fit", "--data.max_texts=many"], "Given value: many"),
        (["fit", "--data.max_texts=0"], "max_texts must be at least 1, 0 came"),
        (["fit", "--data.path=./nowhere"], "there is no folder './nowhere'"),
        (
            ["fit", "--data.path=CORPUS", "--data.columns.text=body"],
            "no column 'body', its columns are 'text', 'label'",
        ),
        (["fit", "--data.path=CORPUS", "--model.pooler=LastHiddenPooler"], "needs a unidirectional RNN"),
        (["fit", "--model.pooler=ConcatPooler"], "ConcatPooler: the following arguments are required: poolers"),
        (["fit", "--model.pooler=ConcatPooler", "--model.pooler.poolers+=No"], "path string: No; the poolers are Add"),
        (["fit", "--model.pooler=KMaxPooler"], "KMaxPooler: the following arguments are required: k"),
        (["fit", "--model.pooler=KMaxPooler", "--model.pooler.k=few"], "Got value: few"),
        (["fit", "--model.encoder=NoSuch"], "NoSuch; the encoders are Convolution, GRU, LSTM, NoEncoder, Pretrained, "),
        (["fit", "--model.encoder=GRU", "--model.encoder.proj_size=3"], "proj_size"),
        (["fit", "--data.path=CORPUS", "--model.encoder=NoEncoder"], "BiConcatPooler needs a bidirectional RNN"),
        (["fit", "--data.path=CORPUS", "--model.dropout=2"], "dropout probability has to be between 0 and 1"),
        (["fit", "--data.path=CORPUS", "--trainer.precision=bf17"], "bf17"),
        (["fit", "--config=missing.yaml"], "File does not exist: "),
        (["fit", "--config=bad.yaml"], "Problems parsing config: "),
        (
            ["test", "--data.path=CORPUS", "--ckpt_path=missing.ckpt"],
            "'missing.ckpt' is no checkpoint of a recipe: No such file",
        ),
        (["test", "--data.path=CORPUS", "--ckpt_path=bad.yaml"], "'bad.yaml' is no checkpoint of a recipe: "),
        (["compare", "--poolers=NoPooler"], "there is no pooler 'NoPooler', there are "),
        (["compare", "--poolers=LastPooler,LastPooler"], "the pooler LastPooler came 2 times, name it once"),
        (["compare", "--poolers=CellStatePooler", "--model.encoder=GRU"], "CellStatePooler cannot be compared: "),
        (["compare", "--poolers=all", "--model.dropout=2"], "dropout probability has to be between 0 and 1"),
        (["compare", "--epochs=0"], "epochs must be at least 1, 0 came"),
        (["compare", "--epochs=few"], "few"),
        (["compare", "--data.path=./nowhere"], "there is no folder './nowhere'"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    command: Command, corpus_folder: str, capsys: pytest.CaptureFixture[str], args: list[str], message: str
) -> None:
    Path("bad.yaml").write_text("a: [")
    assert command(*(arg.replace("CORPUS", corpus_folder) for arg in args)) == 2
    errors = [line for line in capsys.readouterr().err.splitlines() if "error" in line]
    assert len(errors) == 1
    assert errors[0].startswith("error: ")
    assert message in errors[0]
    assert [path.name for path in Path().iterdir()] == ["bad.yaml"]


def test_a_checkpoint_of_another_network_is_refused(
    command: Command, corpus_folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not fit(command, corpus_folder)
    path = "runs/classifier/version_0/checkpoints/last.ckpt"
    small = [arg for arg in SMALL if "hidden" not in arg]
    assert command("test", f"--data.path={corpus_folder}", *small, f"--ckpt_path={path}") == 2
    assert "was built from other arguments: model.encoder.hidden_size is 8 there, 128 here;" in capsys.readouterr().err


def test_the_help_names_every_command(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    assert not command("--help")
    said = capsys.readouterr().out.splitlines()
    for name in ("fit", "validate", "test", "predict", "export", "compare"):
        assert any(line.startswith(f"  {name} ") for line in said)
        assert not command(name, "--help")
        assert f"usage: python -m recipes {name}" in capsys.readouterr().out.replace("[options] ", "")


def test_the_command_itself_exits_with_one_line(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", "-m", "recipes", "compare", "--poolers=NoPooler"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: there is no pooler 'NoPooler'")
    assert done.stderr.count("\n") == 1


def test_a_message_of_several_lines_becomes_one(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        OneLineParser().error("first\n  second")
    assert (stopped.value.code, capsys.readouterr().err) == (2, "error: first second\n")
