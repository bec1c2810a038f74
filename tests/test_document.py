"""The document that this project came from, and its proof: `h_n` packed is the output's own ends, bit for bit."""

from itertools import product

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import seqpool
from tests.encoders import KINDS


@pytest.mark.parametrize("kind", ["rnn", "rnn_relu", "lstm", "gru"])
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("lengths", [[7, 5, 4, 3], [4, 7, 3, 5]], ids=["sorted", "unsorted"])
def test_the_document(kind: str, batch_first: bool, lengths: list[int]) -> None:
    rnn = KINDS[kind](128, 256, num_layers=2, bidirectional=True, batch_first=batch_first)
    x = torch.randn(4, 7, 128) if batch_first else torch.randn(7, 4, 128)
    packed = pack_padded_sequence(x, torch.tensor(lengths), batch_first=batch_first, enforce_sorted=False)
    packed_output, states = rnn(packed)
    h_n = states[0] if kind == "lstm" else states
    output, _ = pad_packed_sequence(packed_output, batch_first=batch_first)
    assert output.shape == ((4, 7, 512) if batch_first else (7, 4, 512))
    assert h_n.shape == (4, 4, 256)
    output = output.transpose(0, 1) if batch_first else output

    assert torch.equal(output[0, :, 256:], h_n[3])
    for b, n in enumerate(lengths):
        equal = [t for t in range(7) if torch.equal(output[t, b, :256], h_n[2, b])]
        assert equal == [n - 1]
        assert torch.equal(output[-1, b, :256], h_n[2, b]) == (n == 7)
    layers = seqpool.unstack_h_n(h_n)
    assert layers.shape == (2, 2, 4, 256)
    assert torch.equal(layers[1, 0], h_n[2])
    assert torch.equal(layers[1, 1], h_n[3])


# kind x layers x bidirectional x batch_first x order, each with several weights and lengths.
MATRIX = [*product(KINDS, (1, 2, 3), (False, True), (False, True), ("sorted", "unsorted"))]
LENGTHS = ([7, 5, 4, 3], [6, 6, 2, 1, 1], [1, 1, 1], [9])
SEEDS = range(3)
PROOF = [
    pytest.param(*case, seed, marks=() if seed == 0 and case[1] != 2 else pytest.mark.full)
    for case, seed in product(MATRIX, SEEDS)
]


def test_the_proof_has_1440_cases() -> None:
    assert len(PROOF) * len(LENGTHS) == 5 * 3 * 2 * 2 * 2 * 4 * 3 == 1440


def state_poolers(bidirectional: bool) -> list[seqpool.Pooler]:
    if not bidirectional:
        return [seqpool.LastHiddenPooler(), seqpool.LastPooler()]
    merges = [seqpool.BiMergePooler(merge=merge) for merge in ("sum", "mean", "max", "mul")]
    ends = [seqpool.LastHiddenPooler(direction=direction) for direction in ("forward", "backward")]
    return [seqpool.BiConcatPooler(), *merges, *ends]


def shuffled(lengths: list[int], order: str) -> list[int]:
    return lengths if order == "sorted" else [lengths[i] for i in torch.randperm(len(lengths)).tolist()]


@pytest.mark.parametrize(("kind", "layers", "bidirectional", "batch_first", "order", "seed"), PROOF)
def test_packed_states_are_the_rows_bit_for_bit(
    kind: str, layers: int, bidirectional: bool, batch_first: bool, order: str, seed: int
) -> None:
    torch.manual_seed(seed)
    rnn = KINDS[kind](4, 5, num_layers=layers, bidirectional=bidirectional, batch_first=batch_first)
    for lengths in (shuffled(lengths, order) for lengths in LENGTHS):
        x = torch.randn(len(lengths), max(lengths), 4)
        x = (x if batch_first else x.transpose(0, 1).contiguous()).requires_grad_()
        packed = pack_padded_sequence(x, torch.tensor(lengths), batch_first=batch_first, enforce_sorted=False)
        output, states = rnn(packed)
        padded, _ = pad_packed_sequence(output, batch_first=batch_first, padding_value=float("nan"))
        for pooler in state_poolers(bidirectional):
            by_states = with_gradients(pooler(output, states), x, rnn)
            for by_rows in (pooler(output), pooler(padded, lengths=lengths, batch_first=batch_first)):
                pairs = zip(by_states, with_gradients(by_rows, x, rnn), strict=True)
                assert all(torch.equal(a, b) for a, b in pairs), (pooler, lengths)


def with_gradients(pooled: Tensor, x: Tensor, rnn: nn.RNNBase) -> list[Tensor]:
    """A pooled batch, and the gradients of its weighted sum: of the input and of every weight."""
    factors = torch.linspace(0.5, 1.5, pooled.numel()).view_as(pooled)
    leaves = [x, *rnn.parameters()]
    # A weight may be out of reach: the backward half's, from the forward half.
    gradients = torch.autograd.grad(
        pooled, leaves, factors, retain_graph=True, allow_unused=True, materialize_grads=True
    )
    return [pooled, *gradients]


@pytest.mark.parametrize("kind", KINDS)
def test_states_take_no_gradient_through_the_output(kind: str) -> None:
    """What the rows' route differentiates through output, the states' route differentiates through `h_n`."""
    rnn = KINDS[kind](4, 5, bidirectional=True, batch_first=True)
    output, states = rnn(pack_padded_sequence(torch.randn(2, 3, 4), torch.tensor([3, 2]), batch_first=True))
    h_n = states[0] if isinstance(states, tuple) else states
    pooled = seqpool.BiConcatPooler()(output, states).sum()
    through_h_n, through_output = torch.autograd.grad(pooled, [h_n, output.data], allow_unused=True)
    assert through_h_n.eq(1).all()
    assert through_output is None
