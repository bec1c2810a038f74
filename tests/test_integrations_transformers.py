"""Poolers over models of transformers: both padding sides, batch mates and empty texts, judged by `seqpool.testing`."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from seqpool import (
    AttentionPooler,
    BiConcatPooler,
    CellStatePooler,
    FirstPooler,
    LastPooler,
    MaskedMaxPooler,
    MaskedMeanPooler,
    Pooler,
)
from seqpool.integrations.transformers import PooledTransformer, pool_output, position_ids
from seqpool.testing import assert_padding_invariant, assert_pools_correctly
from tests import small_transformers as small
from tests.refusal import Refusal

MODELS: dict[str, Callable[[], nn.Module]] = {
    "bert": small.bert,
    "roberta": small.roberta,
    "gpt2": small.gpt2,
    "llama": small.llama,
    "t5": small.t5,
}
POOLERS: dict[str, Callable[[], Pooler]] = {
    "first": FirstPooler,
    "last": LastPooler,
    "mean": MaskedMeanPooler,
    "max": MaskedMaxPooler,
    "attention": lambda: AttentionPooler(small.WIDTH),
}
LENGTHS = [7, 5, 3]
# Two matrix products of different shapes round differently, layer after layer.
RTOL, ATOL = 1e-4, 1e-5


def ids() -> Tensor:
    return torch.randint(4, len(small.WORDS), (3, 7))


@pytest.mark.parametrize("pooler", POOLERS)
@pytest.mark.parametrize("model", MODELS)
def test_padding_and_mates_change_nothing_on_either_side(model: str, pooler: str) -> None:
    encoder = PooledTransformer(MODELS[model](), POOLERS[pooler]()).eval()
    assert_pools_correctly(encoder, ids(), LENGTHS, takes="mask", padding=(0,), rtol=RTOL, atol=ATOL)


@pytest.mark.parametrize("pooler", POOLERS)
@pytest.mark.parametrize("model", MODELS)
def test_a_text_in_a_batch_is_the_text_alone_without_a_mask(model: str, pooler: str) -> None:
    encoder = PooledTransformer(MODELS[model](), POOLERS[pooler]()).eval()
    tokens, mask = ids(), torch.arange(7) < torch.tensor(LENGTHS).unsqueeze(1)
    pooled = encoder(tokens, mask.long())
    for row, n in enumerate(LENGTHS):
        states = encoder.model(tokens[row : row + 1, :n]).last_hidden_state[0]
        torch.testing.assert_close(pooled[row], encoder.pooler.one(states), rtol=RTOL, atol=ATOL)


@pytest.mark.parametrize("model", ["bert", "gpt2"])
def test_absolute_positions_need_position_ids_on_the_left(model: str) -> None:
    bare, pooler = MODELS[model](), MaskedMeanPooler()

    def without(tokens: Tensor, mask: Tensor) -> Tensor:
        return pool_output(pooler, bare(tokens, attention_mask=mask.long()), mask)

    assert_padding_invariant(without, ids(), LENGTHS, takes="mask", sides=("right",), rtol=RTOL, atol=ATOL)
    with pytest.raises(AssertionError, match=r"when its padding went to the left: .*\(give position_ids\)"):
        assert_padding_invariant(without, ids(), LENGTHS, takes="mask", rtol=RTOL, atol=ATOL)


@pytest.mark.parametrize("side", ["right", "left"])
def test_a_tokenizers_batch(side: str) -> None:
    tokens = small.tokenizer(side)
    texts = ["a red bird sings", "blue", "a bird flies far away"]
    encoder = PooledTransformer(small.bert(), LastPooler()).eval()
    batch = tokens(texts, return_tensors="pt", padding=True)
    pooled = encoder(batch["input_ids"], batch["attention_mask"])
    for row, text in enumerate(texts):
        states = encoder.model(tokens(text, return_tensors="pt")["input_ids"]).last_hidden_state
        torch.testing.assert_close(pooled[row], states[0, -1], rtol=RTOL, atol=ATOL)


def test_training_reaches_model_and_pooler() -> None:
    pooler = AttentionPooler(small.WIDTH)
    encoder = PooledTransformer(small.bert(), pooler)
    encoder(ids(), torch.ones(3, 7, dtype=torch.int64)).square().sum().backward()
    learned = [parameter.grad for parameter in encoder.parameters() if parameter.grad is not None]
    assert pooler.score.weight.grad is not None
    assert len(learned) > 20
    assert all(bool(gradient.isfinite().all()) for gradient in learned)


@pytest.mark.parametrize(("model", "width"), [("bert", 8), ("gpt2", 8), ("t5", 8)])
def test_the_width_comes_from_the_models_config(model: str, width: int) -> None:
    assert PooledTransformer(MODELS[model](), MaskedMeanPooler()).out_features == width


def test_positions_count_real_tokens() -> None:
    mask = torch.tensor([[0, 0, 1, 1], [1, 1, 1, 0], [0, 0, 0, 0], [1, 0, 1, 1]])
    assert position_ids(mask).tolist() == [[0, 0, 0, 1], [0, 1, 2, 2], [0, 0, 0, 0], [0, 0, 1, 2]]
    assert torch.equal(position_ids(mask.bool()), position_ids(mask))


STATES: Any = SimpleNamespace(last_hidden_state=torch.randn(2, 3, 4))
WRONG: Any = nn.Linear(2, 2)
REFUSALS = {
    "a head's output": Refusal(
        lambda: pool_output(LastPooler(), WRONG, torch.ones(2, 3)),
        TypeError,
        "last_hidden_state",
        "Linear",
        "AutoModel",
    ),
    "a mask of another width": Refusal(
        lambda: pool_output(LastPooler(), STATES, torch.ones(2, 4)), ValueError, "(2, 3)", "(2, 4)", "(B, T)"
    ),
    "no pooler": Refusal(
        lambda: PooledTransformer(WRONG, WRONG), TypeError, "a seqpool Pooler", "Linear", "MaskedMean"
    ),
    "states": Refusal(
        lambda: PooledTransformer(WRONG, CellStatePooler()), ValueError, "nothing but steps", "h_n and c_n", "yourself"
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals(name: str) -> None:
    REFUSALS[name].check()


def test_a_recurrent_pooler_over_a_transformer_is_allowed_from_rows() -> None:
    # BiConcatPooler needs no states: it takes the halves of the rows.
    assert PooledTransformer(small.bert(), BiConcatPooler()).out_features == small.WIDTH
