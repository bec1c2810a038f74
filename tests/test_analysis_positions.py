"""Buckets of position and the vanishing ratio, against fine grids, hand counts and a recurrence in closed form."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from seqpool import BiConcatPooler, LastPooler, MaskedMeanPooler, MaskedSumPooler, RNNEncoder, view
from seqpool.analysis import by_position, gradient_norms, hidden_gradient_norms, vanishing_ratio
from tests.analysis_cases import CASES, by_sequence, close, ragged
from tests.layouts import LAYOUTS

Lengths = tuple[int, ...]


@pytest.mark.parametrize("buckets", [1, 3, 10])
@pytest.mark.parametrize(("layout", "lengths"), CASES)
def test_a_bucket_is_the_mean_of_a_fine_grid(layout: str, lengths: Lengths, buckets: int) -> None:
    """Each step as `buckets` grid points, each bucket as n of them."""
    x = ragged(lengths, 1)
    laid = LAYOUTS[layout](x)
    seq = laid.view()
    numbers = seq.wrap(seq.values.squeeze(-1))
    found = by_position(seq, numbers, buckets=buckets)
    assert found.shape == (len(lengths), buckets)
    for row, one in zip(found, x, strict=True):
        grid = one.squeeze(1).repeat_interleave(buckets).reshape(buckets, len(one))
        torch.testing.assert_close(row, grid.mean(1), equal_nan=True)
        assert bool(row.isnan().all()) == (len(one) == 0)


def test_the_ratio_of_a_batch_by_hand() -> None:
    """Twenty steps: the middle tenth is steps 9 and 10. Three steps: it lies in step 1. An empty one is left out."""
    norms = torch.zeros(3, 21)
    norms[0, [0, 9, 10, 19]] = torch.tensor([6.0, 1.0, 2.0, 2.0])
    norms[1, :3] = torch.tensor([5.0, 0.5, 3.0])
    norms[:, 20] = float("nan")
    norms[2] = float("nan")
    seq = view(norms.unsqueeze(2), lengths=[20, 3, 0])
    torch.testing.assert_close(vanishing_ratio(seq, norms), torch.tensor((4.0 + 4.0) / (1.5 + 0.5)))


def test_the_ratio_at_its_limits() -> None:
    seq = view(torch.zeros(2, 5, 1), lengths=[5, 3])
    assert vanishing_ratio(seq, torch.ones(2, 5)) == 1
    assert vanishing_ratio(seq, torch.tensor([[1.0, 0, 0, 0, 1], [1, 0, 1, 0, 0]])) == float("inf")
    assert vanishing_ratio(seq, torch.zeros(2, 5)).isnan()
    empty = view(torch.zeros(1, 4, 1), lengths=[0])
    assert vanishing_ratio(empty, torch.ones(1, 4)).isnan()


def test_a_recurrence_that_halves_vanishes_by_halves() -> None:
    """h_t = h_{t-1}/2 + x_t > 0, read at its last step: the gradient t steps before the end is 2^-t."""
    rnn = nn.RNN(1, 1, nonlinearity="relu", batch_first=True).double()
    with torch.no_grad():
        for weight, value in zip(rnn.parameters(), (1.0, 0.5, 0.0, 0.0), strict=True):
            weight.fill_(value)
    lengths = [20, 7, 0]
    seq = view(torch.ones(3, 20, 1, dtype=torch.float64), lengths=lengths)
    found = hidden_gradient_norms(rnn, lambda h: LastPooler()(h, lengths=lengths), seq)
    for row, n in zip(found, lengths, strict=True):
        torch.testing.assert_close(row[:n], 0.5 ** torch.arange(n - 1, -1, -1, dtype=torch.float64))
        assert (row[n:] == 0).all()
    # The input's gradient is the same here, since each x_t enters h_t with weight 1.
    encoder = RNNEncoder(rnn, LastPooler())
    torch.testing.assert_close(found, gradient_norms(lambda x: encoder(x, lengths=lengths), seq))
    alone = view(seq.values[:1])
    ratio = vanishing_ratio(alone, hidden_gradient_norms(rnn, LastPooler(), alone))
    expected = (1 + 0.5**19) / 2 / ((0.5**9 + 0.5**10) / 2)
    torch.testing.assert_close(ratio, torch.tensor(expected, dtype=torch.float64))


def test_a_gradient_whose_square_underflows_is_not_nothing() -> None:
    """h_t = h_{t-1}/10^6 + x_t in float32: 10^-24 at the first of five steps, whose square float32 does not hold."""
    rnn = nn.RNN(2, 2, nonlinearity="relu", batch_first=True)
    with torch.no_grad():
        for weight, value in zip(rnn.parameters(), (torch.eye(2), 1e-6 * torch.eye(2), 0.0, 0.0), strict=True):
            weight.copy_(torch.as_tensor(value))
    seq = view(torch.ones(1, 5, 2))
    expected = 2**0.5 * 1e-6 ** torch.arange(4, -1, -1, dtype=torch.float64).unsqueeze(0)
    encoder = RNNEncoder(rnn, LastPooler())
    for found in (
        hidden_gradient_norms(rnn, lambda h: LastPooler()(h).sum(1), seq),
        gradient_norms(lambda x: encoder(x).sum(1), seq),
    ):
        assert isinstance(found, Tensor)
        assert found.dtype == torch.float32
        torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=0)
        assert vanishing_ratio(seq, found).isfinite()


def split_slopes(rnn: nn.RNNBase, x: Tensor, above: nn.Linear, pooled: str) -> Tensor:
    """Gradient in the last layer's states of one sequence: its network called up to step t, then from the state there.

    `above` maps what is read of `output (n, F)`: the mean, or the ends of the two directions.
    """
    kind: Any = type(rnn)
    given = {"nonlinearity": rnn.nonlinearity} if isinstance(rnn, nn.RNN) else {}
    two = rnn.bidirectional
    if rnn.num_layers > 1:
        lower = kind(rnn.input_size, rnn.hidden_size, rnn.num_layers - 1, bidirectional=two, batch_first=True, **given)
        names = lower.state_dict()
        lower.double().load_state_dict({name: rnn.state_dict()[name] for name in names})
        x = lower(x.unsqueeze(0))[0].squeeze(0).detach()
    ways = []
    for suffix in ("", "_reverse") if two else ("",):
        way = kind(x.shape[1], rnn.hidden_size, batch_first=True, **given).double()
        ending = f"_l{rnn.num_layers - 1}{suffix}"
        way.load_state_dict({name: rnn.state_dict()[name.replace("_l0", ending)] for name in way.state_dict()})
        ways.append((way, x.flip(0) if suffix else x))
    outputs = [way(read.unsqueeze(0))[0].squeeze(0).detach() for way, read in ways]
    squares = torch.zeros(len(x), dtype=torch.float64)
    for number, (way, read) in enumerate(ways):
        for t in range(len(x)):
            _, state = way(read[None, : t + 1])
            hidden, *cell = state if isinstance(state, tuple) else (state,)
            leaf = hidden.detach().requires_grad_()
            start = (leaf, cell[0].detach()) if cell else leaf
            after = [way(read[None, t + 1 :], start)[0].squeeze(0)] if t + 1 < len(x) else []
            halves = list(outputs)
            halves[number] = torch.cat([outputs[number][:t], leaf.squeeze(0), *after])
            if two:
                halves[1] = halves[1].flip(0)
            whole = torch.cat(halves, 1)
            width = rnn.hidden_size
            ends = torch.cat([whole[-1, :width], whole[0, width:]])
            score = above(whole.mean(0) if pooled == "mean" else ends).logsumexp(0)
            place = len(x) - 1 - t if number else t
            squares[place] += torch.autograd.grad(score, leaf)[0].square().sum()
    return squares.sqrt()


RNNS: dict[str, Callable[[], nn.RNNBase]] = {
    "tanh": partial(nn.RNN, 3, 4),
    "relu": partial(nn.RNN, 3, 4, 2, nonlinearity="relu", bidirectional=True),
    "gru": partial(nn.GRU, 3, 4, bidirectional=True),
    "lstm": partial(nn.LSTM, 3, 4, bidirectional=True, batch_first=True),
    "deep": partial(nn.LSTM, 3, 4, 2, bidirectional=True, dropout=0.5),
}


@pytest.mark.parametrize("pooled", ["mean", "ends"])
@pytest.mark.parametrize("name", RNNS)
def test_hidden_gradients_are_those_of_the_network_cut_at_the_state(name: str, pooled: str) -> None:
    rnn = RNNS[name]().double()
    above = nn.Linear(8 if rnn.bidirectional else 4, 3).double()
    lengths = (4, 1, 0, 6)
    x = ragged(lengths)
    pooler = BiConcatPooler() if pooled == "ends" and rnn.bidirectional else LastPooler()
    chosen = MaskedMeanPooler() if pooled == "mean" else pooler
    laid = LAYOUTS["right"](x)
    found = hidden_gradient_norms(rnn, lambda h: above(chosen(h, lengths=list(lengths))).logsumexp(1), laid.view())
    expected = [split_slopes(rnn, one, above, pooled) if len(one) else one[:, 0] for one in x]
    close(by_sequence("right", lengths, found), expected)
    assert all(weight.grad is None for weight in rnn.parameters())


@pytest.mark.parametrize(("layout", "lengths"), CASES)
def test_hidden_gradients_come_in_the_layout_of_the_steps(layout: str, lengths: Lengths) -> None:
    rnn, x = RNNS["lstm"]().double(), ragged(lengths)
    seq = LAYOUTS[layout](x).view()
    found = hidden_gradient_norms(rnn, lambda h: BiConcatPooler()(h, lengths=list(lengths)).tanh().sum(1), seq)
    alone = [
        hidden_gradient_norms(rnn, lambda h: BiConcatPooler()(h).tanh().sum(1), view(one.unsqueeze(0))) for one in x
    ]
    close(by_sequence(layout, lengths, found), [one[0] for one in alone])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_projections_and_frozen_weights_have_states_too(dtype: torch.dtype) -> None:
    lstm = nn.LSTM(3, 4, proj_size=2, bidirectional=True).to(dtype).requires_grad_(False)
    x = torch.randn(2, 5, 3, dtype=dtype)
    found = hidden_gradient_norms(lstm, lambda h: MaskedSumPooler()(h).sum(1), view(x))
    # The last state of each direction is read once and has no successor: its own output's slope, 1 a feature.
    assert isinstance(found, Tensor)
    assert found.shape == (2, 5)
    assert found.isfinite().all()
    single = hidden_gradient_norms(lstm, lambda h: MaskedSumPooler()(h).sum(1), view(x[:, :1]))
    torch.testing.assert_close(single, torch.full((2, 1), 4**0.5, dtype=dtype))


def test_the_output_shows_the_pooler_and_the_state_the_recurrence() -> None:
    """Read at its ends, the output has gradient 0 in its middle, and the states there do not."""
    lstm = RNNS["lstm"]().double()
    x = torch.randn(1, 9, 3, dtype=torch.float64)
    output = lstm(x)[0].detach()
    shallow = gradient_norms(lambda h: BiConcatPooler()(h).sum(1), view(output))[0]
    deep = hidden_gradient_norms(lstm, lambda h: BiConcatPooler()(h).sum(1), view(x))[0]
    assert shallow[1:-1].count_nonzero() == 0
    assert (deep > 0).all()
