"""Corpora that do not fit in memory: every row, mixed, in batches that seed and epoch decide, at a bounded memory."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from recipes.data.module import TextData
from tests.recipes.conftest import Command
from tests.recipes.peaks import FORGET

SIZE = 400


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A file sorted by label, of which every fourth text is of the smaller class."""
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    path = tmp_path / "sorted"
    path.mkdir()
    rows = [{"text": f"word{n} " * (n % 7), "label": "few" if n < SIZE // 4 else "many"} for n in range(SIZE)]
    (path / "train.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (path / "test.jsonl").write_text("\n".join(map(json.dumps, rows[::9])))
    return str(path)


def streamed(folder: str, **arguments: Any) -> TextData:
    return TextData(folder, streaming=True, buffer_texts=60, batch_tokens=64, **arguments)


def batches(data: TextData, epoch: int) -> list[tuple[list[list[int]], list[int], list[int]]]:
    loader = data.train_dataloader()
    loader.set_epoch(epoch)
    return [(ids.tolist(), lengths.tolist(), labels.tolist()) for ids, lengths, labels in loader]


def test_a_tenth_of_each_class_is_cut_for_validation(folder: str) -> None:
    corpus = streamed(folder).corpus
    labels = {name: Counter(row["label"] for row in split) for name, split in corpus.splits.items()}
    assert labels["validation"] == {0: 10, 1: 30}
    assert labels["train"] == {0: 90, 1: 270}
    assert {name: len(split) for name, split in corpus.splits.items()} == {"train": 360, "validation": 40, "test": 45}
    texts = {name: {row["text"] for row in split if row["text"]} for name, split in corpus.splits.items()}
    assert not texts["train"] & texts["validation"]
    assert "every tenth text of each class cut from train by seed 0" in corpus.describe()["validation"]


def test_the_seed_moves_the_cut_and_the_content(folder: str) -> None:
    contents = [streamed(folder, seed=seed).corpus.content for seed in (0, 0, 1)]
    assert contents[0] == contents[1] != contents[2]


def test_an_epoch_has_every_text_once_within_the_budget(folder: str) -> None:
    data = streamed(folder)
    loader = data.train_dataloader()
    rows: Counter[tuple[tuple[int, ...], int]] = Counter()
    seen = 0
    for ids, lengths, labels in loader:
        assert len(lengths) * max(1, int(lengths.max())) <= 64
        assert ids.shape == (len(lengths), int(lengths.max()))
        rows.update(
            (tuple(one[:n]), y) for one, n, y in zip(ids.tolist(), lengths.tolist(), labels.tolist(), strict=True)
        )
        seen += 1
    train = data.corpus.splits["train"]
    wanted = Counter((tuple(data.tokenizer.encode(row["text"]).ids), row["label"]) for row in train)
    assert rows == wanted
    assert seen == len(loader)


def test_the_order_is_a_function_of_seed_and_epoch(folder: str) -> None:
    data = streamed(folder)
    first, second = batches(data, 0), batches(data, 1)
    assert first != second
    assert sorted(map(str, first)) != sorted(map(str, second))
    again = streamed(folder)
    assert (batches(again, 1), batches(again, 0)) == (second, first)
    other = streamed(folder, seed=1)
    other.tokenizer = data.tokenizer
    assert batches(other, 0) != first


def test_an_epoch_goes_on_where_it_was_left(folder: str) -> None:
    data = streamed(folder)
    whole = batches(data, 2)
    loader = data.train_dataloader()
    loader.set_epoch(2)
    reader = iter(loader)
    for _ in range(5):
        next(reader)
    state = loader.state_dict()
    assert state["given"] == 5
    again = streamed(folder).train_dataloader()
    again.load_state_dict(state)
    assert [ids.tolist() for ids, _, _ in again] == [ids for ids, _, _ in whole[5:]]


def test_a_sorted_file_is_mixed(folder: str) -> None:
    first = [label for _, _, labels in batches(streamed(folder), 0) for label in labels][:90]
    # A quarter of the texts are of class 0, and all of those come first in the file.
    assert 8 < first.count(0) < 40


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"max_texts": 5}, "max_texts draws from texts in memory: leave out max_texts or streaming"),
        ({"buffer_texts": 0}, "buffer_texts must be at least 1, 0 came"),
    ],
)
def test_what_streaming_cannot_do(folder: str, arguments: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TextData(folder, streaming=True, **arguments)  # type: ignore[arg-type]  # each is a valid keyword


@pytest.mark.parametrize(("texts", "seed"), [(1, 0), (1, 3), (4, 3)])
def test_too_few_texts_to_cut_say_so(tmp_path: Path, texts: int, seed: int) -> None:
    with pytest.raises(ValueError, match="too few texts to cut a validation split as they are streamed, no class of"):
        cut_of(tmp_path, texts, seed)


def test_ten_texts_of_a_class_are_enough_to_cut(tmp_path: Path) -> None:
    assert [cut_of(tmp_path, 10, seed) for seed in range(4)] == [2] * 4


def cut_of(folder: Path, texts: int, seed: int) -> int:
    rows = [{"text": f"word{n}", "label": label} for n in range(texts) for label in ("a", "b")]
    (folder / "few.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return len(TextData(str(folder / "few.jsonl"), streaming=True, seed=seed).corpus.splits["validation"])


def test_an_embedded_dataset_is_not_streamed() -> None:
    with pytest.raises(ValueError, match="'probes' is made in memory: leave it out"):
        TextData("probes", streaming=True).corpus  # noqa: B018  # reading it loads it


def test_compare_needs_the_texts_in_memory(command: Command, capsys: pytest.CaptureFixture[str], folder: str) -> None:
    assert command("compare", f"--data.path={folder}", "--data.streaming=true") == 2
    assert "error: the test texts are needed in memory: leave out streaming" in capsys.readouterr().err


TRAIN = """
import sys
from functools import partial
from lightning import Trainer
from recipes.data.module import TextData
from recipes.encoders import RNN
from recipes.model import TextClassifier
from recipes.poolers import named
from tests.recipes.peaks import peak_of

def run(path):
    data = TextData(path, streaming=True, buffer_texts=1_000, vocab_size=500, max_tokens=16, batch_tokens=8_192)
    small = partial(RNN, hidden_size=2, bidirectional=False)
    size = {"num_words": data.num_words, "num_classes": data.num_classes, "embedding_dim": 2}
    model = TextClassifier(named("MaskedMeanPooler"), encoder=small, **size)
    quiet = dict.fromkeys(["logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"], False)
    trainer = Trainer(accelerator="cpu", max_epochs=1, **quiet)
    trainer.fit(model, datamodule=data)
    trainer.test(model, datamodule=data, verbose=False)

run(sys.argv[1])
small = peak_of(lambda: run(sys.argv[1]))
print(f"{peak_of(lambda: run(sys.argv[2])) - small:.1f}")
"""


def write_texts(folder: Path, files: int) -> None:
    """Files of 3 MB, more than the buffer holds, to train on and as many to test."""
    folder.mkdir()
    text = " ".join(f"word{n}" for n in range(300))
    rows = int(3e6 / len(text))
    for name in (f"{split}-{part}.csv" for split in ("train", "test") for part in range(files)):
        lines = (f"{n} {text},{n % 2}\n" for n in range(rows))
        (folder / name).write_text("text,label\n" + "".join(lines))


@pytest.mark.skipif(not FORGET.exists(), reason="the peak is read as Linux keeps it")
def test_fit_and_test_at_a_bounded_memory(tmp_path: Path) -> None:
    write_texts(tmp_path / "small", 1)
    write_texts(tmp_path / "large", 4)
    command = [sys.executable, "-c", TRAIN, str(tmp_path / "small"), str(tmp_path / "large")]
    environment = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_CACHE": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1"}
    # What is freed goes back to one heap: heaps of threads, and Arrow's own, add up to 10 MB by chance.
    environment |= {"MALLOC_ARENA_MAX": "1", "ARROW_DEFAULT_MEMORY_POOL": "system"}
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        command, cwd=root, env=os.environ | environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    # 12 MB each to train on and to test are read; held in memory, they take more than 150 MB.
    assert float(done.stdout.split()[-1]) < 12
