"""`wrap` gives rows back in the caller's container, and `unstack_h_n` splits what a real network stacks."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

import seqpool
from tests.layouts import LAYOUTS

KINDS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


def ragged() -> list[Tensor]:
    return [torch.randn(n, 3) for n in (4, 2, 1)]


@pytest.mark.parametrize("layout", ["right", "left", "holes", "time_major", "flat"])
def test_a_tensor_is_its_own_container(layout: str) -> None:
    laid = LAYOUTS[layout](ragged())
    weights = torch.randn(*laid.rows().shape[:-1], 2)
    assert laid.view().wrap(weights) is weights


@pytest.mark.parametrize("layout", ["packed", "packed_sorted"])
def test_packed_rows_come_back_packed(layout: str) -> None:
    laid = LAYOUTS[layout](batch := ragged())
    wrapped = laid.view().wrap(laid.rows() * 2)
    assert isinstance(wrapped, PackedSequence)
    padded, lengths = pad_packed_sequence(wrapped, batch_first=True)
    assert lengths.tolist() == [4, 2, 1]
    for b, x in enumerate(batch):
        assert torch.equal(padded[b, : len(x)], 2 * x)


def test_unsorted_packed_rows_keep_the_batch_order() -> None:
    batch = ragged()[::-1]
    laid = LAYOUTS["packed"](batch)
    wrapped = laid.view().wrap(laid.rows()[:, :1])
    assert isinstance(wrapped, PackedSequence)
    padded, lengths = pad_packed_sequence(wrapped, batch_first=True)
    assert lengths.tolist() == [1, 2, 4]
    assert torch.equal(padded[2], batch[2][:, :1])


@pytest.mark.parametrize("layout", ["jagged", "narrowed"])
def test_nested_rows_come_back_nested(layout: str) -> None:
    laid = LAYOUTS[layout](batch := ragged())
    wrapped = laid.view().wrap(laid.rows() * 2)
    assert isinstance(wrapped, Tensor)
    assert wrapped.is_nested
    assert wrapped.layout == torch.jagged
    for mine, x in zip(wrapped.unbind(), batch, strict=True):
        assert torch.equal(mine, 2 * x)


def test_nested_rows_come_back_over_the_same_ragged_axis() -> None:
    laid = LAYOUTS["jagged"](ragged())
    wrapped = laid.view().wrap(laid.rows()[:, :1])
    assert isinstance(wrapped, Tensor)
    assert isinstance(laid.output, Tensor)
    product = wrapped * laid.output  # torch refuses to multiply tensors of different ragged axes
    assert product.shape == laid.output.shape


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_unstack_h_n_splits_a_real_network(kind: str, layers: int, bidirectional: bool) -> None:
    """The oracle runs each layer and direction as a network of its own, over reversed steps for the backward one."""
    rnn = KINDS[kind](3, 4, layers, bidirectional=bidirectional).double()
    x = torch.randn(6, 2, 3, dtype=torch.float64)
    _, states = rnn(x)
    h_n = states[0] if kind == "lstm" else states
    split = seqpool.unstack_h_n(h_n, bidirectional=bidirectional)
    assert split.shape == (layers, 2 if bidirectional else 1, 2, 4)
    assert split.data_ptr() == h_n.data_ptr()
    for layer in range(layers):
        halves = []
        for direction, suffix in enumerate(["", "_reverse"][: split.shape[1]]):
            output = alone(rnn, kind, layer, suffix, x)
            torch.testing.assert_close(split[layer, direction], output[0 if direction else -1])
            halves.append(output)
        x = torch.cat(halves, -1)


def alone(rnn: nn.RNNBase, kind: str, layer: int, suffix: str, x: Tensor) -> Tensor:
    """Output of one layer and direction over `x (T, B, D)`, step t in place t."""
    one = KINDS[kind](x.shape[2], 4).double()
    weights = rnn.state_dict()
    one.load_state_dict({name: weights[f"{name[:-1]}{layer}{suffix}"] for name in one.state_dict()})
    output: Tensor = one(x.flip(0) if suffix else x)[0]
    return output.flip(0) if suffix else output


def test_unstack_h_n_claims_both_directions_by_default() -> None:
    h_n = torch.randn(4, 2, 3)
    assert torch.equal(seqpool.unstack_h_n(h_n)[1, 0], h_n[2])
    assert torch.equal(seqpool.unstack_h_n(h_n, bidirectional=False)[3, 0], h_n[3])
