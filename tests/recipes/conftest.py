"""Small corpora, and the command line run inside the test's own folder."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

# Before huggingface_hub is imported.
os.environ["HF_HUB_OFFLINE"] = "1"

import pytest
from datasets import (  # type: ignore[import-untyped]  # it has no types
    ClassLabel,
    Dataset,
    DatasetDict,
    Features,
    Value,
)

from recipes.__main__ import main

FEATURES = Features({"text": Value("string"), "label": ClassLabel(names=["fruit", "metal", "river"])})
WORDS = {"fruit": ["apple", "pear", "plum"], "metal": ["iron", "zinc", "tin"], "river": ["rhine", "nile", "volga"]}


def small_split(size: int, *, start: int = 0) -> Dataset:
    """Texts of 0 to 6 words whose label is plain from any word; one of them is empty."""
    rows = []
    for index in range(start, start + size):
        label = list(WORDS)[index % 3]
        words = [WORDS[label][(index + step) % 3] for step in range(1 + index % 6)]
        rows.append({"text": "" if index == start else " ".join(words), "label": label})
    return Dataset.from_list(rows, features=FEATURES)


@pytest.fixture(scope="session")
def corpus_folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A dataset folder with three splits."""
    folder = tmp_path_factory.mktemp("corpus") / "small"
    splits = {"train": small_split(60), "validation": small_split(15, start=60), "test": small_split(18, start=75)}
    DatasetDict(splits).save_to_disk(folder)
    return str(folder)


@pytest.fixture(scope="session")
def trained_run(corpus_folder: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoint of a small LSTM behind attention, in the folder of its run."""
    args = ["recipes", "fit", f"--data.path={corpus_folder}", "--trainer.max_epochs=3", "--data.max_tokens=8"]
    args += ["--model.pooler=AdditiveAttentionPooler", "--model.pooler.hidden_features=5", "--model.embedding_dim=8"]
    args += ["--model.encoder.hidden_size=4", "--trainer.enable_progress_bar=false", "--trainer.logger=CSVLogger"]
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(sys, "argv", [*args, "--trainer.logger.save_dir=runs"])
        main()
    (checkpoint,) = folder.rglob("best.ckpt")
    return checkpoint


Command = Callable[..., int]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run `python -m recipes` in this process, in an empty folder; gives the exit status."""
    monkeypatch.chdir(tmp_path)

    def run(*args: str) -> int:
        monkeypatch.setattr(sys, "argv", ["recipes", *args])
        try:
            main()
        except SystemExit as stopped:
            return int(stopped.code or 0)
        return 0

    return run
