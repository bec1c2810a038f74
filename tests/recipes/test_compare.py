import csv
import errno
import math
import re
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sklearn.metrics import accuracy_score, f1_score  # type: ignore[import-untyped]  # it has no types

from recipes.baselines import Score, bag_of_words, majority
from recipes.compare import DEFAULT_POOLERS, Comparison, fitting, train_all, train_one
from recipes.data.columns import USUAL
from recipes.data.corpus import load_corpus
from recipes.data.module import TextData
from recipes.encoders import LSTM, EncoderFactory, NoEncoder
from recipes.poolers import choose
from recipes.report import remarks, save
from seqpool import poolers
from tests.recipes.conftest import Command

SMALL = ["--model.encoder.hidden_size=8", "--model.embedding_dim=8", "--epochs=1", "--jobs=1"]
NETWORK: dict[str, Any] = {"encoder": partial(LSTM, hidden_size=8), "embedding_dim": 8}
NEEDY = ["QueryAttentionPooler", "WeightedMeanPooler", "WeightedStatisticsPooler", "WeightedSumPooler"]


def compare(command: Command, folder: str, *args: str) -> int:
    return command("compare", f"--data.path={folder}", *SMALL, *args)


def saved_rows() -> list[dict[str, str]]:
    (path,) = Path("runs/compare").iterdir()
    with path.open() as file:
        return list(csv.DictReader(file))


def test_the_table_has_every_model_and_what_its_numbers_depend_on(
    command: Command, corpus_folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not compare(command, corpus_folder, "--poolers=LastHiddenPooler,MaskedMeanPooler")
    out = capsys.readouterr().out
    rows = saved_rows()
    models = ["majority class", "bag of words, linear", "LastHiddenPooler", "MaskedMeanPooler"]
    assert [row["model"] for row in rows] == models
    for row in rows:
        line = next(line for line in out.splitlines() if row["model"] in line)
        shown = [cell.strip() for cell in line.strip("│ ").split("│")]
        wanted = [row["model"], f"{float(row['accuracy']):.3f}", f"{float(row['macro_f1']):.3f}"]
        assert (shown[:3], shown[4]) == (wanted, f"{int(row['parameters']):,}")
    content = load_corpus(corpus_folder, columns=USUAL).content
    assert f"content {content}, 3 classes, texts: 60 train, 15 validation, 18 test" in out
    for text in ("machine: ", "versions: python ", "seed 0, 1 epochs", "One seed ranks nothing", "data versions: "):
        assert text in out


def test_all_says_which_pooler_it_leaves_out(
    command: Command, corpus_folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not compare(command, corpus_folder, "--poolers=all", "--model.encoder=GRU")
    out = capsys.readouterr().out
    left_out = re.findall(r"left out, (\w+): ", out)
    assert left_out == ["CellStatePooler", *NEEDY]
    assert "left out, WeightedSumPooler: WeightedSumPooler needs weights beside the steps" in out
    assert "KMaxPooler(k=2), LastHiddenPooler(direction='forward')" in out
    assert [row["model"] for row in saved_rows()[2:]] == [name for name in poolers.__all__ if name not in left_out]


def test_two_processes_give_what_one_gives(corpus_folder: str) -> None:
    data = TextData(corpus_folder)
    candidates, _ = fitting(["BiConcatPooler", "KMaxPooler"], NETWORK)
    together = list(train_all(candidates, NETWORK, data, Comparison(epochs=2, jobs=2)))
    for candidate, score in zip(candidates, together, strict=True):
        alone = train_one(candidate, NETWORK, data, epochs=2, seed=0)
        assert (score.model, score.accuracy, score.macro_f1) == (candidate.name, alone.accuracy, alone.macro_f1)
        assert score.parameters == alone.parameters > 0
        assert score.seconds > 0


def test_the_baselines_against_scikit_learn(corpus_folder: str) -> None:
    corpus = load_corpus(corpus_folder, columns=USUAL)
    labels = corpus.splits["test"]["label"][:]
    score = majority(corpus)
    assert score.accuracy == pytest.approx(accuracy_score(labels, [0] * 18))
    assert score.macro_f1 == pytest.approx(f1_score(labels, [0] * 18, average="macro"))
    # Every word gives its label away, and one of 18 texts has none.
    assert bag_of_words(corpus, seed=0).accuracy >= 17 / 18 - 1e-6


def test_the_default_set_holds_what_was_promised() -> None:
    assert {"LastHiddenPooler", "BiConcatPooler", "MaskedMeanPooler"} <= set(choose(DEFAULT_POOLERS))


@pytest.mark.parametrize(
    ("encoder", "cannot"),
    [
        (partial(LSTM, hidden_size=8, num_layers=2), []),
        (partial(LSTM, hidden_size=8, bidirectional=False), ["BiConcatPooler", "BiMergePooler"]),
        (NoEncoder, ["BiConcatPooler", "BiMergePooler", "CellStatePooler", "LayerConcatPooler", "ScalarMixPooler"]),
    ],
)
def test_every_pooler_fits_or_says_why_not(encoder: EncoderFactory, cannot: list[str]) -> None:
    candidates, reasons = fitting(choose("all"), {"encoder": encoder, "embedding_dim": 8})
    assert sorted(reasons) == sorted([*cannot, *NEEDY])
    assert sorted([*(candidate.name for candidate in candidates), *reasons]) == sorted(poolers.__all__)
    for name, reason in reasons.items():
        assert reason.startswith(f"{name} needs ")


def score(accuracy: float, model: str = "m") -> Score:
    return Score(model=model, accuracy=accuracy, macro_f1=0.5, seconds=1.0, parameters=2)


@pytest.mark.parametrize(("bag", "relation"), [(0.9, "is above every"), (0.5, "is not above every")])
def test_the_remarks_say_what_the_numbers_say(corpus_folder: str, bag: float, relation: str) -> None:
    corpus = load_corpus(corpus_folder, columns=USUAL)
    text = " ".join(remarks(corpus, [score(0.1), score(bag)], [score(0.8), score(0.6)], epochs=3, seed=7))
    assert relation in text
    assert "seed 7, 3 epochs" in text
    assert f"±{1.96 * math.sqrt(0.8 * 0.2 / 18):.3f}" in text


def test_nothing_half_written_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, text: str) -> int:
        with path.open("w") as file:
            file.write(text[:9])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", full)
        with pytest.raises(OSError, match="No space left"):
            save(tmp_path / "new", [score(0.5)], {"seed": 1})
    assert not list((tmp_path / "new").iterdir())
    path = save(tmp_path / "new", [score(0.5)], {"seed": 1})
    assert path.read_text().splitlines() == ["model,accuracy,macro_f1,seconds,parameters,seed", "m,0.5,0.5,1.0,2,1"]
    assert list(path.parent.iterdir()) == [path]
