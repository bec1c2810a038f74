"""A pooler inside a `SentenceTransformer`: saved, loaded and trained with it, and put in the place of theirs."""

from pathlib import Path
from typing import Any

import pytest
import torch

from tests import small_transformers as small
from tests.sentence_models import MODES, TEXTS, Pooling, SentenceTransformer, SequencePooling, Transformer

POOLERS: dict[str, Any] = {
    "attention": "seqpool.AttentionPooler",
    "additive": {"class_path": "seqpool.AdditiveAttentionPooler", "init_args": {"hidden_features": 3}},
    "nothing to learn": "seqpool.MaskedMinPooler",
    "several": {
        "class_path": "seqpool.ConcatPooler",
        "init_args": {"poolers": ["seqpool.LastPooler", "seqpool.AttentionPooler"]},
    },
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A transformer and its tokenizer on disk."""
    small.bert().save_pretrained(tmp_path / "bert")  # type: ignore[operator]  # a method that nn.Module lacks
    small.tokenizer().save_pretrained(tmp_path / "bert")
    return tmp_path / "bert"


@pytest.mark.parametrize("safe", [True, False])
@pytest.mark.parametrize("pooler", POOLERS)
def test_the_model_saves_and_loads_with_its_pooler(folder: Path, tmp_path: Path, pooler: str, safe: bool) -> None:
    pooling = SequencePooling(small.WIDTH, POOLERS[pooler], include_prompt=False)
    model = SentenceTransformer(modules=[Transformer(str(folder)), pooling], device="cpu")
    model.save(str(tmp_path / "saved"), safe_serialization=safe)
    saved = tmp_path / "saved" / "1_SequencePooling"
    weights = "model.safetensors" if safe else "pytorch_model.bin"
    assert {path.name for path in saved.iterdir()} == {"config.json", *([weights] if pooling.state_dict() else [])}
    again = SentenceTransformer(str(tmp_path / "saved"), device="cpu", trust_remote_code=True)
    assert repr(again[1]) == repr(pooling)
    assert again[1].get_config_dict() == pooling.get_config_dict()
    assert again.get_embedding_dimension() == pooling.get_embedding_dimension()
    expected = model.encode(TEXTS, convert_to_tensor=True, prompt="query : ")
    assert torch.equal(again.encode(TEXTS, convert_to_tensor=True, prompt="query : "), expected)
    without_flag = SentenceTransformer(
        modules=[
            Transformer(str(tmp_path / "saved")),
            SequencePooling.load(str(tmp_path / "saved"), "1_SequencePooling"),
        ],
        device="cpu",
    )
    assert torch.equal(without_flag.encode(TEXTS, convert_to_tensor=True, prompt="query : "), expected)


@pytest.mark.parametrize("include", [True, False])
@pytest.mark.parametrize("modes", [*((mode,) for mode in MODES), MODES], ids="+".join)
def test_a_model_keeps_its_embeddings_when_its_pooling_is_replaced(
    folder: Path, tmp_path: Path, modes: tuple[str, ...], include: bool
) -> None:
    theirs = Pooling(small.WIDTH, modes, include_prompt=include)
    model = SentenceTransformer(modules=[Transformer(str(folder)), theirs], device="cpu")
    expected = model.encode(TEXTS, convert_to_tensor=True, prompt="query : ")
    model.save(str(tmp_path / "saved"))
    model[1] = SequencePooling.from_pooling(tmp_path / "saved" / "1_Pooling")
    torch.testing.assert_close(model.encode(TEXTS, convert_to_tensor=True, prompt="query : "), expected)


def test_a_learned_pooler_trains_through_the_model(folder: Path) -> None:
    pooling = SequencePooling(small.WIDTH, "seqpool.AttentionPooler")
    model = SentenceTransformer(modules=[Transformer(str(folder)), pooling], device="cpu")
    model.train()
    model(model.preprocess(TEXTS))["sentence_embedding"].square().sum().backward()
    gradients = [parameter.grad for parameter in pooling.parameters()]
    assert gradients
    assert all(gradient is not None and bool((gradient != 0).any()) for gradient in gradients)
