"""Tokens, prompts, BERT's pooler and mixed layers against transformers and sentence-transformers."""

import pytest
import torch
from torch import Tensor

from seqpool.poolers.bert import BertPooler
from seqpool.poolers.ends import FirstPooler, LastPooler
from seqpool.poolers.reductions import MaskedMeanPooler
from seqpool.poolers.tokens import TokenPooler, marker_mask, skip_first
from seqpool.poolers.weighted_layers import WeightedLayersPooler

RIGHT = torch.tensor([[1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 0, 0], [1, 1, 1, 1, 1, 0]])
ADDITIVE = torch.tensor([[0.0, 0.0, 0.0, float("-inf")]])


def test_tokens_count_real_steps_from_either_end() -> None:
    x = torch.tensor([[[9.0], [1.0], [9.0], [2.0], [3.0], [9.0]]])
    mask = torch.tensor([[0, 1, 0, 1, 1, 0]])
    found = {index: TokenPooler(index)(x, mask=mask).item() for index in range(-4, 4)}
    # As Python indexes [1, 2, 3], with 0 where it raises.
    assert found == {-4: 0.0, -3: 1.0, -2: 2.0, -1: 3.0, 0: 1.0, 1: 2.0, 2: 3.0, 3: 0.0}


def test_ends_are_tokens() -> None:
    x = torch.randn(3, 6, 4)
    assert torch.equal(TokenPooler(0)(x, mask=RIGHT), FirstPooler()(x, mask=RIGHT))
    assert torch.equal(TokenPooler(-1)(x, mask=RIGHT), LastPooler()(x, mask=RIGHT))


def test_markers_choose_tokens() -> None:
    ids = torch.tensor([[7, 3, 7, 4], [5, 3, 4, 4], [4, 7, 5, 3]])
    x = torch.arange(12.0).view(3, 4, 1)
    assert marker_mask(ids, 7).tolist() == [[True, False, True, False], [False] * 4, [False, True, False, False]]
    assert MaskedMeanPooler()(x, mask=marker_mask(ids, 7)).flatten().tolist() == [1.0, 0.0, 9.0]


def test_a_marker_that_also_pads_needs_the_mask() -> None:
    # GPT-2 has no padding token and is padded with its end of text, 50256.
    ids = torch.tensor([[11, 50256, 50256, 50256], [11, 12, 13, 50256]])
    mask = torch.tensor([[1, 1, 0, 0], [1, 1, 1, 1]])
    x = torch.arange(8.0).view(2, 4, 1)
    assert LastPooler()(x, mask=marker_mask(ids, 50256)).flatten().tolist() == [3.0, 7.0]
    assert LastPooler()(x, mask=marker_mask(ids, 50256, mask)).flatten().tolist() == [1.0, 7.0]


def test_markers_refuse_what_they_cannot_search() -> None:
    with pytest.raises(TypeError, match=r"whole numbers, torch.float32 came"):
        marker_mask(torch.zeros(2, 3), 0)
    with pytest.raises(ValueError, match=r"shape of token_ids \(2, 3\), \(2, 2\) came"):
        marker_mask(torch.zeros(2, 3, dtype=torch.int64), 0, torch.ones(2, 2))
    with pytest.raises(ValueError, match=r"values from -inf to 0.0 came: an additive mask is"):
        marker_mask(torch.zeros(1, 4, dtype=torch.int64), 0, ADDITIVE)


@pytest.mark.parametrize("mask", [RIGHT, RIGHT.flip(1)], ids=["right", "left"])
@pytest.mark.parametrize("k", [0, 1, 3])
def test_prompts_as_sentence_transformers_skips_them(mask: Tensor, k: int) -> None:
    # Pooling(include_prompt=False), which INSTRUCTOR is loaded with.
    name = "sentence_transformers.sentence_transformer.modules.pooling"
    peer = pytest.importorskip(name, reason="sentence-transformers is the peer")
    x = torch.randn(3, 6, 4)
    given = {"token_embeddings": x, "attention_mask": mask, "prompt_length": k}
    want = peer.Pooling(4, "mean", include_prompt=False)(given)["sentence_embedding"]
    torch.testing.assert_close(MaskedMeanPooler()(x, mask=skip_first(mask, k)), want)


def test_prompts_of_different_lengths() -> None:
    mask = torch.tensor([[0, 1, 1, 0, 1], [1, 1, 1, 1, 1], [1, 1, 0, 0, 0]])
    kept = skip_first(mask, torch.tensor([1, 3, 2]))
    assert kept.int().tolist() == [[0, 0, 1, 0, 1], [0, 0, 0, 1, 1], [0, 0, 0, 0, 0]]


def test_prompts_refuse_what_they_cannot_skip() -> None:
    with pytest.raises(ValueError, match=r"shape \(B, T\), \(3,\) came"):
        skip_first(torch.ones(3), 1)
    with pytest.raises(ValueError, match=r"k must be at least 0, -1 came"):
        skip_first(RIGHT, -1)
    with pytest.raises(ValueError, match=r"k must be at least 0, -2 came"):
        skip_first(RIGHT, torch.tensor([1, -2, 0]))
    with pytest.raises(ValueError, match=r"values from -inf to 0.0 came: an additive mask is"):
        skip_first(ADDITIVE, 1)


def test_prompts_are_skipped_in_a_graph() -> None:
    graph = torch.compile(skip_first, backend="eager", fullgraph=True, dynamic=True)
    k = torch.tensor([1, 3, 2])
    assert torch.equal(graph(RIGHT, k), skip_first(RIGHT, k))


def test_bert_pooler_of_transformers() -> None:
    peer = pytest.importorskip("transformers.models.bert.modeling_bert", reason="transformers is the peer")
    theirs = peer.BertPooler(peer.BertConfig(hidden_size=8, num_attention_heads=2))
    ours = BertPooler(8)
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(3, 6, 8)
    torch.testing.assert_close(ours(x, mask=RIGHT), theirs(x))


def test_layers_as_sentence_transformers_weighs_them() -> None:
    name = "sentence_transformers.sentence_transformer.modules.weighted_layer_pooling"
    peer = pytest.importorskip(name, reason="sentence-transformers is the peer")
    layers = [torch.randn(3, 6, 4) for _ in range(5)]
    weights = torch.tensor([0.5, 2.0, 1.0])
    theirs = peer.WeightedLayerPooling(4, num_hidden_layers=4, layer_start=2, layer_weights=weights)
    mixed = theirs({"all_layer_embeddings": layers})["token_embeddings"]
    ours = WeightedLayersPooler(3, MaskedMeanPooler())
    with torch.no_grad():
        # The softmax of logarithms divides by the sum.
        ours.weight.copy_(weights.log())
    got = ours(torch.cat(layers[2:], dim=-1), mask=RIGHT)
    torch.testing.assert_close(got, MaskedMeanPooler()(mixed, mask=RIGHT))


def test_layers_as_elmo_mixes_them() -> None:
    # Equation 1 of Peters et al. 2018, with s = softmax(0.1, 0.2, 0.3) = (0.3006, 0.3322, 0.3672).
    ours = WeightedLayersPooler(3, FirstPooler())
    with torch.no_grad():
        ours.weight.copy_(torch.tensor([0.1, 0.2, 0.3]))
        ours.gamma.fill_(0.5)
    got = ours(torch.tensor([[[1.0, 10.0, 100.0]]]))
    assert got.item() == pytest.approx(0.5 * (0.3006 + 3.322 + 36.72), rel=1e-3)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((0, MaskedMeanPooler()), ValueError, "num_layers must be at least 1, 0 came"),
        ((2, torch.nn.Identity()), TypeError, "takes a pooler, a Identity came"),
    ],
)
def test_layers_refuse(arguments: tuple[int, MaskedMeanPooler], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        WeightedLayersPooler(*arguments)


def test_layers_refuse_steps_that_do_not_hold_them() -> None:
    with pytest.raises(ValueError, match="must hold 3 layers side by side, 8 features came"):
        WeightedLayersPooler(3, MaskedMeanPooler())(torch.randn(1, 2, 8))
