"""Every format answers as the model does, on batches of other sizes; an answer that is not the model's is seen."""

import json
from functools import partial
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer
from torch import Tensor

from recipes.encoders import GRU, LSTM, RNN, Convolution, EncoderFactory, NoEncoder, Transformer
from recipes.export.checking import difference, requests, timing
from recipes.export.cli import FORMATS
from recipes.export.formats import least_steps
from recipes.export.scorer import Scorer
from recipes.gate import RunError
from recipes.model import TextClassifier
from recipes.poolers import named
from tests.deploy.models import quiet

pytestmark = quiet
LENGTHS = [[3, 0, 5], [8], [0], [1, 1], [7, 2, 8, 1]]
ENCODERS: dict[str, EncoderFactory] = {
    "none": NoEncoder,
    "convolution": partial(Convolution, hidden_size=4),
    "transformer": partial(Transformer, num_layers=1, num_heads=2, feedforward=4),
    "rnn": partial(RNN, hidden_size=3),
    "gru": partial(GRU, hidden_size=3),
    "lstm": partial(LSTM, hidden_size=3, num_layers=2),
    "projection": partial(LSTM, hidden_size=3, proj_size=2),
}
QUICK = {("none", "onnx"), ("convolution", "program"), ("rnn", "onnx"), ("projection", "program")}


def small(encoder: str, pooler: str = "MaskedMaxPooler") -> Scorer:
    factory = named(pooler)
    classifier = TextClassifier(factory, num_words=9, num_classes=3, encoder=ENCODERS[encoder], embedding_dim=4)
    return Scorer(classifier, max_tokens=8)


def batches() -> list[tuple[Tensor, Tensor]]:
    made = []
    for lengths in LENGTHS:
        ids = [torch.randint(1, 9, (length,)) for length in lengths]
        made.append((torch.nn.utils.rnn.pad_sequence(ids, batch_first=True), torch.tensor(lengths)))
    return made


def test_what_is_exported_is_the_classifier_in_evaluation_mode() -> None:
    classifier = TextClassifier(named("MaskedMaxPooler"), num_words=9, num_classes=3, encoder=ENCODERS["gru"])
    scorer = Scorer(classifier.train(), max_tokens=8)
    classifier.eval()
    for batch in batches():
        assert scorer(*batch).equal(classifier(*batch))


@pytest.mark.parametrize(
    ("encoder", "form"),
    [
        pytest.param(encoder, form, marks=() if (encoder, form) in QUICK else pytest.mark.full)
        for encoder in ENCODERS
        for form in ("onnx", "program", "safetensors")
        if (encoder, form) != ("projection", "onnx")
    ],
)
def test_a_format_answers_at_any_batch(encoder: str, form: str, tmp_path: Path) -> None:
    scorer, written = small(encoder), FORMATS[form]
    written.write(scorer, tmp_path / written.file)
    run = written.load(scorer, tmp_path / written.file)
    assert difference(scorer, run, least_steps(written, scorer), batches(), form) < 1e-5


@pytest.mark.parametrize("wrong", [float("nan"), 1.0])
def test_a_difference_is_seen(wrong: float) -> None:
    scorer = small("none")
    with pytest.raises(
        RunError, match=r"this gives other scores than the model: (nan|1) apart on 3 texts of 0 to 5 tok"
    ):
        difference(scorer, lambda ids, lengths: scorer(ids, lengths) + wrong, 2, batches(), "this")


def test_scores_of_another_shape_are_seen() -> None:
    scorer = small("none")
    with pytest.raises(RunError, match="inf apart"):
        difference(scorer, lambda ids, lengths: scorer(ids, lengths)[:1], 2, batches(), "this")


def test_timing_is_of_the_run_beside_the_model() -> None:
    scorer, padded = small("none"), []

    def slow(ids: Tensor, lengths: Tensor) -> Tensor:
        padded.append(ids.shape[1])
        for _ in range(20):
            scores: Tensor = scorer(ids, lengths)
        return scores

    taken = timing(scorer, slow, 6, batches())
    assert taken.ratio > 4
    assert min(padded) == 6


def test_requests_are_the_texts_own_lengths_within_the_budget() -> None:
    tokenizer = Tokenizer.from_str(json.dumps(TOKENIZER))
    made = requests(tokenizer, ["a b a", "", "b", "a " * 9], max_tokens=5, budget=6)
    assert sorted(length for _, lengths in made for length in lengths.tolist()) == [0, 1, 3, 5]
    assert all(ids.numel() <= 6 and ids.shape[1] == lengths.max() for ids, lengths in made)


TOKENIZER = {
    "version": "1.0",
    "added_tokens": [],
    "pre_tokenizer": {"type": "WhitespaceSplit"},
    "model": {"type": "WordLevel", "vocab": {"[PAD]": 0, "[UNK]": 1, "a": 2, "b": 3}, "unk_token": "[UNK]"},
}
