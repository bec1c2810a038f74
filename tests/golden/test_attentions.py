"""Attention poolers agree with PyTorch's and PyG's attentions, and with what their papers claim."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from seqpool.poolers.gated_attention import GatedAttentionPooler
from seqpool.poolers.latent_attention import LatentAttentionPooler
from seqpool.poolers.multi_head import MultiHeadAttentionPooler
from seqpool.poolers.query_attention import QueryAttentionPooler
from seqpool.poolers.sim_pool import SimPooler
from seqpool.poolers.state_attention import StateAttentionPooler
from seqpool.poolers.structured_attention import StructuredAttentionPooler, attention_penalty
from tests.golden.attending import LENGTHS, MASK, attention, hidden, linear


@pytest.fixture
def x() -> Tensor:
    return torch.randn(3, 5, 4, dtype=torch.float64)


@pytest.mark.parametrize(("num_heads", "num_queries"), [(1, 1), (2, 3), (4, 1)])
def test_multi_head_is_torch_multihead_attention(x: Tensor, num_heads: int, num_queries: int) -> None:
    pooler = MultiHeadAttentionPooler(4, num_heads=num_heads, num_queries=num_queries).double()
    nn.init.normal_(pooler.attention.in_proj_bias)
    nn.init.normal_(pooler.attention.out_proj.bias)
    pooled, weights = pooler(hidden(x), lengths=LENGTHS, return_weights=True)
    query = pooler.queries.expand(3, -1, -1)
    theirs, alpha = pooler.attention(query, x, x, key_padding_mask=~MASK, average_attn_weights=False)
    torch.testing.assert_close(pooled, theirs.flatten(1))
    torch.testing.assert_close(weights, alpha.permute(0, 3, 2, 1).flatten(2))


def test_structured_attention_is_scaled_dot_product_attention_with_a_query_for_each_hop(x: Tensor) -> None:
    pooler = StructuredAttentionPooler(4, hops=3, hidden_features=6).double()
    theirs = attention(linear(pooler.scores, 2).weight.expand(3, -1, -1), linear(pooler.scores, 0)(x).tanh(), x, 1.0)
    torch.testing.assert_close(pooler(hidden(x), lengths=LENGTHS), theirs.flatten(1))


def test_gated_attention_is_scaled_dot_product_attention_of_gated_keys(x: Tensor) -> None:
    pooler = GatedAttentionPooler(4, hidden_features=6).double()
    key = pooler.score.content(x).tanh() * pooler.score.gate(x).sigmoid()
    theirs = attention(pooler.score.merge.weight.expand(3, -1, -1), key, x, 1.0)
    torch.testing.assert_close(pooler(hidden(x), lengths=LENGTHS), theirs.squeeze(1))


def test_gated_attention_agrees_with_pyg(x: Tensor) -> None:
    aggr = pytest.importorskip("torch_geometric.nn.aggr", reason="torch_geometric is not installed")
    pooler = GatedAttentionPooler(4).double()
    theirs = aggr.AttentionalAggregation(gate_nn=_GateOf(pooler))(x[MASK], ptr=torch.tensor([0, 5, 7, 10]))
    torch.testing.assert_close(pooler(x[MASK], offsets=[0, 5, 7, 10]), theirs)


class _GateOf(nn.Module):
    """The score of a `GatedAttentionPooler`, in the paper's formula."""

    def __init__(self, pooler: GatedAttentionPooler) -> None:
        super().__init__()
        self.score = pooler.score

    def forward(self, rows: Tensor) -> Tensor:
        content, gate = self.score.content(rows), self.score.gate(rows)
        return (torch.tanh(content) * torch.sigmoid(gate)) @ self.score.merge.weight.T


def test_query_attention_is_scaled_dot_product_attention(x: Tensor) -> None:
    pooler = QueryAttentionPooler(4, query_features=7).double()
    query = torch.randn(3, 7, dtype=torch.float64)
    theirs = attention(pooler.query(query).unsqueeze(1), pooler.key(x), x, 0.5)
    torch.testing.assert_close(pooler(hidden(x), lengths=LENGTHS, query=query), theirs.squeeze(1))


def test_state_attention_is_scaled_dot_product_attention_of_the_final_state(x: Tensor) -> None:
    last = x[torch.arange(3), torch.tensor(LENGTHS) - 1]
    both = torch.cat([last[:, :2], x[:, 0, 2:]], 1)
    for query, pooler in ((both, StateAttentionPooler()), (last, StateAttentionPooler(bidirectional=False))):
        theirs = attention(query.unsqueeze(1), x, x, 1.0).squeeze(1)
        torch.testing.assert_close(pooler(hidden(x), lengths=LENGTHS), theirs)


@pytest.mark.parametrize("bidirectional", [True, False])
def test_state_attention_takes_the_state_of_the_network(bidirectional: bool) -> None:
    rnn = nn.LSTM(3, 4, num_layers=2, batch_first=True, bidirectional=bidirectional)
    packed = pack_padded_sequence(torch.randn(3, 5, 3), LENGTHS, batch_first=True, enforce_sorted=False)
    output, (h_n, c_n) = rnn(packed)
    state = h_n[-2:].transpose(0, 1).flatten(1) if bidirectional else h_n[-1]
    pooled, weights = StateAttentionPooler(bidirectional=bidirectional)(output, (h_n, c_n), return_weights=True)
    rows, _ = nn.utils.rnn.pad_packed_sequence(output, batch_first=True)
    alpha, _ = nn.utils.rnn.pad_packed_sequence(weights, batch_first=True)
    torch.testing.assert_close(pooled, attention(state.unsqueeze(1), rows, rows, 1.0).squeeze(1))
    torch.testing.assert_close(pooled, (alpha * rows).sum(1))
    with pytest.raises(ValueError, match=r"needs a (bi|uni)directional RNN"):
        StateAttentionPooler(bidirectional=not bidirectional)(output, h_n)


@pytest.mark.parametrize("num_heads", [1, 2])
def test_latent_attention_is_multihead_attention_to_the_latents(x: Tensor, num_heads: int) -> None:
    pooler = LatentAttentionPooler(4, num_latents=7, num_heads=num_heads).double()
    latents = pooler.latents.expand(3, -1, -1)
    found = pooler.mlp(pooler.attention(x, latents, latents)[0])
    theirs = torch.where(MASK.unsqueeze(2), found, 0).sum(1) / MASK.sum(1, keepdim=True)
    torch.testing.assert_close(pooler(hidden(x), lengths=LENGTHS), theirs)


@pytest.mark.parametrize("num_heads", [1, 2])
def test_latent_attention_says_how_steps_share_in_a_latent(x: Tensor, num_heads: int) -> None:
    pooler = LatentAttentionPooler(4, num_latents=7, num_heads=num_heads).double()
    _, weights = pooler(hidden(x), lengths=LENGTHS, return_weights=True)
    for b, n in enumerate(LENGTHS):
        latents = pooler.latents.unsqueeze(0)
        alpha = pooler.attention(x[b : b + 1, :n], latents, latents, average_attn_weights=False)[1][0]  # (H, n, L)
        share = (alpha / alpha.sum(1, keepdim=True)).transpose(0, 1).flatten(1)
        torch.testing.assert_close(weights[b, :n], share)
    far = LatentAttentionPooler(1, num_latents=2)
    with torch.no_grad():
        far.latents.copy_(torch.tensor([[0.0], [-1e4]]))
        far.attention.in_proj_weight.fill_(1)
        far.attention.in_proj_bias.zero_()
    _, lost = far(torch.tensor([[[1.0], [2.0]]]), lengths=[2], return_weights=True)
    assert lost[0, :, 1].tolist() == [1.0, 0.0]


def test_penalty_by_hand() -> None:
    # Lin 2017, equation 8: hops on different single steps cost 0; two hops on the same one cost the two entries off
    # the diagonal; two that spread over both of two steps cost 4 * 0.5^2.
    apart = torch.eye(2)
    same = torch.tensor([[1.0, 1.0], [0.0, 0.0]])
    spread = torch.full((2, 2), 0.5)
    empty = torch.zeros(2, 2)
    assert attention_penalty(torch.stack([apart, same, spread, empty])).tolist() == [0.0, 2.0, 1.0, 0.0]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_penalty_of_a_long_sequence_in_half_precision(dtype: torch.dtype) -> None:
    # Squared in float16, a weight of 1/8000 is 0.
    weights = torch.full((1, 8000, 2), 1 / 8000, dtype=dtype)
    pairs = weights[0].double().T @ weights[0].double()
    want = torch.linalg.matrix_norm(pairs - torch.eye(2)).square()
    torch.testing.assert_close(attention_penalty(weights), want.to(dtype).unsqueeze(0))


def test_penalty_is_the_same_in_every_layout(x: Tensor) -> None:
    pooler = StructuredAttentionPooler(4, hops=3).double()
    penalty = attention_penalty(pooler(hidden(x), lengths=LENGTHS, return_weights=True)[1])
    for b, n in enumerate(LENGTHS):
        a = pooler.scores(x[b, :n]).softmax(0).T
        torch.testing.assert_close(penalty[b], torch.linalg.matrix_norm(a @ a.T - torch.eye(3)).square())
    _, late = pooler(x.transpose(0, 1), lengths=LENGTHS, batch_first=False, return_weights=True)
    torch.testing.assert_close(attention_penalty(late, batch_first=False), penalty)
    packed = pack_padded_sequence(x, LENGTHS, batch_first=True, enforce_sorted=False)
    torch.testing.assert_close(attention_penalty(pooler(packed, return_weights=True)[1]), penalty)
    _, flat = pooler(x[MASK], offsets=[0, 5, 7, 10], return_weights=True)
    torch.testing.assert_close(attention_penalty(flat, offsets=[0, 5, 7, 10]), penalty)
    nested = torch.nested.nested_tensor_from_jagged(x[MASK], torch.tensor([0, 5, 7, 10]))
    torch.testing.assert_close(attention_penalty(pooler(nested, return_weights=True)[1]), penalty)


def test_an_empty_sequence_has_no_output_of_a_bias() -> None:
    pooler = MultiHeadAttentionPooler(4)
    nn.init.ones_(pooler.attention.out_proj.bias)
    assert torch.equal(pooler(torch.randn(2, 3, 4), lengths=[0, 3])[0], torch.zeros(4))


def test_refusals() -> None:
    with pytest.raises(ValueError, match=r"num_heads must divide in_features \(6\), 4 came: each head takes an equal"):
        MultiHeadAttentionPooler(6, num_heads=4)
    with pytest.raises(ValueError, match="num_queries must be at least 1, 0 came: leave it out for 1"):
        MultiHeadAttentionPooler(6, num_queries=0)
    with pytest.raises(ValueError, match="hops must be at least 1, 0 came: leave it out for 4"):
        StructuredAttentionPooler(6, hops=0)
    with pytest.raises(ValueError, match="num_latents must be at least 1, 0 came: leave it out for 512"):
        LatentAttentionPooler(6, num_latents=0)
    with pytest.raises(ValueError, match=r"gamma must be above 0, 0 came: leave it out for 1\.25"):
        SimPooler(6, gamma=0)
    with pytest.raises(ValueError, match="query must be 6 wide, 5 came: set query_features to its width"):
        QueryAttentionPooler(6)(torch.randn(2, 3, 6), query=torch.randn(2, 5))
    with pytest.raises(ValueError, match="QueryAttentionPooler needs query, none came: give one vector a sequence"):
        QueryAttentionPooler(6)(torch.randn(2, 3, 6))
