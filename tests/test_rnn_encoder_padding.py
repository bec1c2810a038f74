"""RNNEncoder never lets padding, dropped steps or emptiness into a value or a gradient."""

import pytest
import torch
from torch import nn

import seqpool
from seqpool.reversed_rnn import run_reversed
from seqpool.rnn import RNNEncoder
from tests.encoders import KINDS, NAN, D, H, P, both_routes, build, gradients, initial, inputs, run


@pytest.mark.parametrize("kind", KINDS)
@both_routes
def test_padding_changes_nothing(kind: str, route: str) -> None:
    lengths = [3, 0, 5]
    encoder = RNNEncoder(build(kind), seqpool.MaskedMaxPooler())
    short, poisoned = inputs(lengths, steps=5), inputs(lengths, steps=90)
    with torch.no_grad():
        for b, n in enumerate(lengths):
            poisoned[b, :n] = short[b, :n]
            poisoned[b, n:] = (NAN, float("inf"), -float("inf"))[b]
    expected, actual = run(route, encoder, short, lengths), run(route, encoder, poisoned, lengths)
    assert torch.equal(actual, expected)
    plain, steep = (gradients(y.sum(), encoder, x) for y, x in ((expected, short), (actual, poisoned)))
    assert not any(value.isnan().any() for value in steep)
    torch.testing.assert_close(steep[1:], plain[1:])
    for b, n in enumerate(lengths):
        assert not steep[0][b, n:].any()


def test_a_rectified_state_does_not_explode_in_padding() -> None:
    rnn = nn.RNN(D, H, nonlinearity="relu", batch_first=True, bidirectional=True)
    with torch.no_grad():
        for weight in rnn.parameters():
            weight.fill_(0.9)
    lengths, x = torch.tensor([2, 200]), torch.zeros(2, 200, D)
    x[1] = -100.0
    output, h_n, _ = run_reversed(rnn, x, lengths, (torch.zeros(2, 2, H),), cells=False)
    assert output.isfinite().all()
    values = gradients(h_n.sum(), rnn)
    assert all(value.isfinite().all() for value in values)
    alone = gradients(sum(rnn(x[b : b + 1, : lengths[b]])[1].sum() for b in range(2)), rnn)
    torch.testing.assert_close(values, alone)


@pytest.mark.parametrize("proj_size", [0, P])
def test_the_cell_crosses_long_padding_unchanged(proj_size: int) -> None:
    rnn = nn.LSTM(D, H, num_layers=2, batch_first=True, bidirectional=True, proj_size=proj_size)
    x = torch.randn(1, 300, D)
    hx = tuple(state.detach() for state in initial(rnn, 1))
    short = run_reversed(rnn, x[:, :4], torch.tensor([4]), hx, cells=True)[2]
    long = run_reversed(rnn, x, torch.tensor([4]), hx, cells=True)[2]
    assert short is not None
    assert torch.equal(short, long)  # type: ignore[arg-type]  # asked for, so not None


@both_routes
def test_initial_state_of_an_empty_sequence_is_not_pooled(route: str) -> None:
    rnn = build("lstm", 1)
    hx = tuple(torch.ones(2, 2, H) for _ in range(2))
    for pooler in (seqpool.CellStatePooler(), seqpool.LayerConcatPooler(1), seqpool.BiConcatPooler()):
        assert not run(route, RNNEncoder(rnn, pooler), torch.randn(2, 3, D), [0, 3], hx=hx)[0].any()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("batch", "steps"), [(0, 4), (3, 0), (0, 0)])
@both_routes
def test_nothing_gives_zeros_and_zero_gradients(kind: str, batch: int, steps: int, route: str) -> None:
    encoder = RNNEncoder(build(kind), seqpool.MaskedMaxPooler())
    x = torch.randn(batch, steps, D, requires_grad=True)
    for given in ({}, {"lengths": [0] * batch}, {"mask": torch.zeros(batch, steps, dtype=torch.bool)}):
        pooled = run(route, encoder, x, **given)
        assert pooled.shape == (batch, encoder.out_features)
        assert not pooled.any()
        assert not any(value.any() for value in gradients(pooled.sum(), encoder, x))


@both_routes
def test_all_empty_rows_give_zeros(route: str) -> None:
    encoder = RNNEncoder(build("gru"), seqpool.BiConcatPooler())
    assert not run(route, encoder, torch.full((2, 3, D), NAN), [0, 0]).any()


def test_padding_is_never_run_for_nothing() -> None:
    """Steps past the longest sequence cost no time where lengths are known."""
    rnn = build("lstm")
    encoder = RNNEncoder(rnn, seqpool.MaskedMeanPooler())
    x = torch.randn(2, 50, D)
    torch.testing.assert_close(encoder(x, [3, 4]), encoder(x[:, :4], [3, 4]), rtol=0, atol=0)


@both_routes
def test_dropout_drops_between_layers_alone(route: str) -> None:
    rnn = nn.RNN(1, 400, num_layers=2, nonlinearity="relu", dropout=0.25, batch_first=True, bias=False)
    nn.init.ones_(rnn.get_parameter("weight_ih_l0"))
    nn.init.eye_(rnn.get_parameter("weight_ih_l1"))
    for layer in (0, 1):
        nn.init.zeros_(rnn.get_parameter(f"weight_hh_l{layer}"))
    encoder, x = RNNEncoder(rnn, seqpool.LastPooler()), torch.ones(2, 3, 1)
    pooled = run(route, encoder, x, [3, 2])
    assert sorted(set(pooled.flatten().tolist())) == [0.0, pytest.approx(4 / 3)]
    assert abs(float((pooled == 0).float().mean()) - 0.25) < 0.06  # 800 draws: 4 standard deviations
    assert run(route, encoder.eval(), x, [3, 2]).eq(1.0).all()
