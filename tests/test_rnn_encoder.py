"""RNNEncoder against the packed run and against one sequence at a time."""

from collections.abc import Callable
from itertools import product
from typing import Any
from unittest.mock import patch

import pytest
import torch
from torch import Tensor
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import seqpool
from seqpool.grouped_rnn import run_in_groups
from seqpool.reversed_rnn import run_reversed
from seqpool.rnn import RNNEncoder
from tests.encoders import KINDS, NAN, D, H, P, both_routes, build, gradients, initial, inputs, one_by_one, run, split

LENGTHS = {"sorted": [6, 5, 2, 1], "unsorted": [2, 6, 1, 5]}
MATRIX = list(product(KINDS, (1, 2, 3), (False, True), (False, True), LENGTHS))
# Groups pay for an LSTM alone.
PADDED_RUNS = [(run_reversed, *case) for case in MATRIX] + [
    (run_in_groups, *case) for case in MATRIX if case[0] == "lstm"
]


def test_the_matrix_is_whole() -> None:
    assert len(MATRIX) == 5 * 3 * 2 * 2 * 2 == 120


@pytest.mark.parametrize(("padded_run", "kind", "layers", "bidirectional", "batch_first", "order"), PADDED_RUNS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_padded_run_is_the_packed_run(
    padded_run: Callable[..., tuple[Tensor, Tensor, Tensor | None]],
    kind: str,
    layers: int,
    bidirectional: bool,
    batch_first: bool,
    order: str,
    dtype: torch.dtype,
) -> None:
    rnn = build(kind, layers, bidirectional, batch_first).to(dtype)
    lengths = torch.tensor(LENGTHS[order])
    steps = int(lengths.max())
    x = inputs(LENGTHS[order], batch_first, steps, dtype).detach().nan_to_num(0.0).requires_grad_()
    hx = initial(rnn, 4)
    packed = pack_padded_sequence(x, lengths, batch_first=batch_first, enforce_sorted=False)
    packed_output, final = rnn(packed, hx if rnn.mode == "LSTM" else hx[0])
    output, _ = pad_packed_sequence(packed_output, batch_first=batch_first)
    expected = [output, *(final if rnn.mode == "LSTM" else (final,))]

    with patch("seqpool.grouped_rnn.GROUP", 2):
        output, h_n, c_n = padded_run(rnn, x, lengths, hx, cells=rnn.mode == "LSTM")
    real = torch.arange(steps) < lengths[:, None]
    output = torch.where((real if batch_first else real.t()).unsqueeze(2), output, 0)
    actual = [output, h_n] if c_n is None else [output, h_n, c_n]

    # A few units in the last place of states below 1, and of sums of gradients below 10.
    unit = torch.finfo(dtype).eps
    torch.testing.assert_close(actual, expected, rtol=8 * unit, atol=4 * unit)
    factors = [torch.randn_like(value) for value in expected]
    losses = [sum((f * v).sum() for f, v in zip(factors, values, strict=True)) for values in (actual, expected)]
    torch.testing.assert_close(
        gradients(losses[0], rnn, x, *hx), gradients(losses[1], rnn, x, *hx), rtol=80 * unit, atol=40 * unit
    )


@pytest.mark.parametrize(("kind", "batch_first"), [*product(KINDS, (False, True))])
@pytest.mark.parametrize("bidirectional", [False, True])
@both_routes
def test_every_pooler_gets_what_one_sequence_gives(
    kind: str, batch_first: bool, bidirectional: bool, route: str
) -> None:
    width = (P if kind == "lstm_proj" else H) * (2 if bidirectional else 1)
    poolers: list[seqpool.Pooler] = [
        seqpool.MaskedMeanPooler(),
        seqpool.AttentionPooler(width),
        seqpool.LayerConcatPooler(2),
        seqpool.ConcatPooler(seqpool.MaskedMaxPooler(), seqpool.ScalarMixPooler(2)),
        seqpool.BiConcatPooler() if bidirectional else seqpool.LastHiddenPooler(),
    ]
    if kind.startswith("lstm"):
        poolers.append(seqpool.CellStatePooler(cell_features=H * (2 if bidirectional else 1)))
    lengths = [3, 0, 6, 1]
    rnn = build(kind, 2, bidirectional, batch_first)
    x, hx = inputs(lengths, batch_first), initial(rnn, 4)
    for pooler in poolers:
        encoder = RNNEncoder(rnn, pooler)
        expected = one_by_one(encoder, split(x, lengths, batch_first), hx)
        actual = run(route, encoder, x, lengths, hx=hx if rnn.mode == "LSTM" else hx[0])
        assert actual.shape == (4, encoder.out_features)
        assert not actual[1].any()
        torch.testing.assert_close(actual, expected, rtol=1e-6, atol=1e-6)
        factor = torch.randn_like(actual)
        tensors = (x, *hx)
        torch.testing.assert_close(
            gradients((factor * actual).sum(), encoder, *tensors),
            gradients((factor * expected).sum(), encoder, *tensors),
            rtol=1e-5,
            atol=5e-6,
        )


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("kind", ["lstm", "gru"])
@both_routes
def test_a_mask_moves_its_steps_together(kind: str, batch_first: bool, route: str) -> None:
    left = [[0, 0, 0, 1, 1], [1, 1, 1, 1, 1], [0, 0, 0, 0, 0]]
    holes = [[0, 1, 0, 1, 1], [1, 0, 0, 0, 1], [1, 1, 0, 1, 0]]
    for rows, dtype in product((left, holes), (torch.bool, torch.int64, torch.float32)):
        mask = torch.tensor(rows)
        x = torch.where((mask == 1).unsqueeze(2), torch.randn(3, 5, D), NAN).requires_grad_()
        encoder = RNNEncoder(build(kind, 2, True, batch_first), seqpool.BiConcatPooler())
        actual = run(route, encoder, x if batch_first else x.transpose(0, 1), mask=mask.to(dtype))
        expected = one_by_one(encoder, [row[kept == 1] for row, kept in zip(x, mask, strict=True)])
        torch.testing.assert_close(actual, expected, rtol=1e-6, atol=1e-6)
        torch.testing.assert_close(
            gradients(actual.pow(2).sum(), encoder, x),
            gradients(expected.pow(2).sum(), encoder, x),
            rtol=1e-5,
            atol=5e-6,
        )


@pytest.mark.parametrize("lengths", [[2, 4], (2, 4), torch.tensor([2, 4]), torch.tensor([2, 4], dtype=torch.int32)])
@both_routes
def test_lengths_may_be_anything_whole(lengths: Any, route: str) -> None:
    encoder = RNNEncoder(build("gru"), seqpool.LastPooler())
    x = torch.randn(2, 4, D)
    torch.testing.assert_close(
        run(route, encoder, x, lengths), one_by_one(encoder, split(x, [2, 4])), rtol=1e-6, atol=1e-6
    )


@pytest.mark.parametrize("kind", KINDS)
@both_routes
def test_no_lengths_means_all_full(kind: str, route: str) -> None:
    encoder = RNNEncoder(build(kind), seqpool.LastPooler())
    x = torch.randn(2, 4, D)
    torch.testing.assert_close(run(route, encoder, x), one_by_one(encoder, split(x, [4, 4])), rtol=1e-6, atol=1e-6)


def test_width_comes_from_the_network_and_the_pooler() -> None:
    assert RNNEncoder(build("gru", 1, False), seqpool.LastHiddenPooler()).out_features == H
    assert RNNEncoder(build("gru"), seqpool.BiConcatPooler()).out_features == 2 * H
    assert RNNEncoder(build("lstm_proj"), seqpool.MaskedMeanPooler()).out_features == 2 * P
    assert RNNEncoder(build("lstm_proj"), seqpool.CellStatePooler(cell_features=2 * H)).out_features == 2 * H
    assert RNNEncoder(build("lstm", 3), seqpool.LayerConcatPooler(3)).out_features == 6 * H
