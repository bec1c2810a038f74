"""Where PyTorch pools right, the result here is the same: `embedding_bag`, `segment_reduce`, and its attentions."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import seqpool

OFFSETS = torch.tensor([0, 4, 4, 5, 11])


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_flat_rows_pool_as_embedding_bag(mode: str) -> None:
    rows = torch.randn(11, 3, requires_grad=True)
    bag = F.embedding_bag(torch.arange(11), rows, OFFSETS, mode=mode, include_last_offset=True)
    pooler = {"sum": seqpool.MaskedSumPooler(), "mean": seqpool.MaskedMeanPooler(), "max": seqpool.MaskedMaxPooler()}[
        mode
    ]
    mine = pooler(rows, offsets=OFFSETS)
    torch.testing.assert_close(mine, bag)
    cotangent = torch.randn_like(bag)
    torch.testing.assert_close(torch.autograd.grad(mine, rows, cotangent), torch.autograd.grad(bag, rows, cotangent))


@pytest.mark.parametrize("reduce", ["sum", "mean", "max", "min"])
def test_flat_rows_pool_as_segment_reduce(reduce: str) -> None:
    rows = torch.randn(11, 3, dtype=torch.float64)
    theirs = torch.segment_reduce(rows, reduce, offsets=OFFSETS, initial=0.0 if reduce in ("sum", "mean") else None)
    mine = getattr(seqpool.functional, reduce)(seqpool.view(rows, offsets=OFFSETS))
    some = OFFSETS.diff() > 0
    torch.testing.assert_close(mine[some], theirs[some])
    assert torch.equal(mine[~some], torch.zeros(1, 3, dtype=torch.float64))


def padded() -> tuple[Tensor, Tensor]:
    mask = torch.tensor([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1], [0, 0, 1, 0, 1]], dtype=torch.bool)
    return torch.randn(3, 5, 4, dtype=torch.float64, requires_grad=True), mask


def assert_attends_as(pooler: nn.Module, query: Tensor, keys: Tensor, x: Tensor, mask: Tensor) -> None:
    """As `scaled_dot_product_attention` of one query: values, gradients of the input, and weights."""
    theirs = F.scaled_dot_product_attention(
        query.expand(3, 1, -1), keys, x, attn_mask=mask.unsqueeze(1), scale=1.0
    ).squeeze(1)
    mine, weights = pooler(x, mask=mask, return_weights=True)
    torch.testing.assert_close(mine, theirs)
    cotangent = torch.randn_like(theirs)
    wanted = torch.autograd.grad(theirs, [x, *pooler.parameters()], cotangent, retain_graph=True)
    torch.testing.assert_close(torch.autograd.grad(mine, [x, *pooler.parameters()], cotangent), wanted)
    scores = (keys @ query.unsqueeze(-1)).squeeze(-1).masked_fill(~mask, float("-inf"))
    torch.testing.assert_close(weights.squeeze(-1), scores.softmax(1))


def test_attention_is_scaled_dot_product_attention_of_one_query() -> None:
    x, mask = padded()
    pooler = seqpool.AttentionPooler(4).double()
    assert_attends_as(pooler, pooler.score.weight[0], x, x, mask)


def test_additive_attention_is_scaled_dot_product_attention_over_hidden_keys() -> None:
    x, mask = padded()
    pooler = seqpool.AdditiveAttentionPooler(4, hidden_features=3).double()
    hidden, _, out = pooler.score
    assert isinstance(out, nn.Linear)
    assert_attends_as(pooler, out.weight[0], hidden(x).tanh(), x, mask)


def test_attention_is_multihead_attention_with_identity_projections() -> None:
    x, mask = padded()
    theirs = nn.MultiheadAttention(4, 1, bias=False, batch_first=True).double()
    pooler = seqpool.AttentionPooler(4).double()
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.eye(4).repeat(3, 1))
        theirs.out_proj.weight.copy_(torch.eye(4))
    query = (pooler.score.weight * 2).expand(3, 1, 4)  # they divide by sqrt(4)
    wanted, weights = theirs(query, x, x, key_padding_mask=~mask)
    mine, ours = pooler(x, mask=mask, return_weights=True)
    torch.testing.assert_close(mine, wanted.squeeze(1))
    torch.testing.assert_close(ours.squeeze(-1), weights.squeeze(1))
