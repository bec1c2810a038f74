"""Each dataset's YAML: it opens with its command, closes with its result, and reads what it says."""

import re
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]  # it has no types

from recipes.data.columns import Columns
from recipes.data.module import TextData
from tests.recipes.conftest import Command

ROOT = Path(__file__).resolve().parents[2]
CONFIGS = sorted((ROOT / "recipes" / "configs").glob("*.yaml"))
EMBEDDED = {"docstrings", "probes"}
CLASSES = {
    "20_newsgroups": 20,
    "ag_news": 4,
    "banking77": 77,
    "clinc_oos": 151,
    "imdb": 2,
    "movie_review_polarity": 2,
    "rotten_tomatoes": 2,
    "sst2": 2,
    "trec": 6,
}


def test_every_dataset_has_one() -> None:
    assert {path.stem for path in CONFIGS} == CLASSES.keys() | EMBEDDED


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_it_opens_with_its_command_and_closes_with_its_result(path: Path) -> None:
    lines = path.read_text().splitlines()
    command = f"# python -m recipes fit --config recipes/configs/{path.stem}.yaml"
    assert lines[0] == command
    run = "runs/classifier/version_0"
    test = f"# python -m recipes test --config {run}/config.yaml --ckpt_path {run}/checkpoints/best.ckpt"
    assert lines[lines.index("#") - 1] == test
    assert (lines[1] == f"{command} --data.path=folder/of/{path.stem}") == (path.stem not in EMBEDDED)
    where = "embedded" if path.stem in EMBEDDED else "a local copy"
    epochs = yaml.safe_load(path.read_text())["trainer"]["max_epochs"]
    made = rf"\({where}.*, seed 0, best of {epochs} epochs; torch [0-9.]+, CPU\)\."
    assert re.fullmatch(rf"# Result: test accuracy [01]\.\d{{3}}, macro-F1 [01]\.\d{{3}} {made}", lines[-1]), lines[-1]


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_the_commands_are_understood(path: Path, command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    local = [] if path.stem in EMBEDDED else [f"--data.path=folder/of/{path.stem}"]
    assert not command("fit", f"--config={path}", *local, "--print_config")
    config = yaml.safe_load(capsys.readouterr().out)
    asked = yaml.safe_load(path.read_text())
    assert config["trainer"]["max_epochs"] == asked["trainer"]["max_epochs"]
    for key, value in asked["data"].items():
        if key not in ("path", "columns"):
            assert config["data"][key] == value


@pytest.mark.parametrize("name", CLASSES)
def test_the_local_copy_is_read_as_the_yaml_says(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = ROOT.parent / "shared" / "datasets" / name
    if not folder.is_dir():
        pytest.skip(f"the dataset folder {name} is not beside this clone")
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path)
    asked = yaml.safe_load((ROOT / "recipes" / "configs" / f"{name}.yaml").read_text())["data"]
    asked |= {"path": str(folder), "columns": Columns(**asked.get("columns", {})), "max_texts": 100}
    data = TextData(**asked)
    assert data.num_classes == CLASSES[name]
    assert {key: len(split) for key, split in data.corpus.splits.items()} == dict.fromkeys(
        ("train", "validation", "test"), 100
    )
    ids, lengths, labels = next(iter(data.test_dataloader()))
    assert ids.shape == (len(labels), int(lengths.max()))
