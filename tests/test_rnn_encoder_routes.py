"""Which route RNNEncoder takes, and that graphs, transforms, hooks and parametrizations work on it."""

from contextlib import nullcontext
from typing import Any
from unittest.mock import patch

import pytest
import torch
from torch import Tensor
from torch.func import functional_call, grad, vmap
from torch.nn.utils.parametrizations import weight_norm

import seqpool
from seqpool.reversed_rnn import run_reversed
from seqpool.rnn import RNNEncoder
from tests.encoders import KINDS, D, both_routes, build, gradients, inputs, on, one_by_one, run, split


def _calls(encoder: RNNEncoder, *args: Any) -> int:
    """How often the encoder calls the RNN module itself."""
    with patch.object(type(encoder.rnn), "forward", autospec=True, side_effect=type(encoder.rnn).forward) as forward:
        encoder(*args)
    return len(forward.call_args_list)


@pytest.mark.parametrize(
    ("kind", "lengths", "train", "calls"),
    [
        ("lstm", [9, 5, 4], True, 0),
        ("gru", [9, 5, 4], True, 0),
        ("rnn", [9, 5, 4], True, 0),
        ("lstm", [9, 1, 0], True, 0),
        ("lstm", [9, 0, 0], True, 0),
        ("lstm", [9, 9, 9], True, 1),
        ("gru", [9, 1, 0], True, 1),
        ("lstm", [9, 5, 4], False, 0),
        ("lstm", [9, 1, 1], False, 0),
        ("lstm", [9, *[1] * 9], False, 1),
        ("lstm_proj", [9, 9, 9], False, 1),
        ("gru", [9, 9, 9], False, 1),
    ],
)
def test_the_route_follows_the_share_of_real_steps(kind: str, lengths: list[int], train: bool, calls: int) -> None:
    encoder = RNNEncoder(build(kind), seqpool.MaskedMeanPooler())
    with nullcontext() if train else torch.no_grad():
        assert _calls(encoder, torch.randn(len(lengths), 9, D), lengths) == calls


@pytest.mark.parametrize(
    ("kind", "lengths", "groups"),
    [
        ("lstm", [9, 1, 1, 1, 1, 1, 1, 1, 1], [[9, 1, 1, 1, 1], [1, 1, 1, 1]]),
        ("lstm", [2, 8, 3, 7, 1, 5, 4, 6, 9, 0], [[9, 8, 7, 6, 5], [4, 3, 2, 1, 0]]),
        ("lstm", [9, 8, 7, 6, 5, 4, 3, 2], []),
        ("lstm", [9] * 16, []),
        ("gru", [9, 8, 7, 6, 5, 4, 3, 2, 1], []),
        ("lstm_proj", [9, 8, 7, 6, 5, 4, 3, 2, 1], []),
    ],
)
def test_sequences_of_like_length_train_together(kind: str, lengths: list[int], groups: list[list[int]]) -> None:
    encoder = RNNEncoder(build(kind), seqpool.MaskedMeanPooler())
    with patch("seqpool.grouped_rnn.run_reversed", side_effect=run_reversed) as calls:
        encoder(torch.randn(len(lengths), 9, D), lengths)
    assert [call.args[2].tolist() for call in calls.call_args_list] == groups
    assert [call.args[1].shape[1] for call in calls.call_args_list] == [max(group) for group in groups]


def test_frozen_weights_and_inputs_count_as_inference() -> None:
    encoder = RNNEncoder(build("gru").requires_grad_(False), seqpool.MaskedMeanPooler())
    assert _calls(encoder, torch.randn(3, 9, D), [9, 9, 9]) == 1


@both_routes
def test_weights_are_the_modules_own(route: str) -> None:
    encoder = RNNEncoder(build("lstm", 1, False), seqpool.LastPooler())
    x, lengths = torch.randn(2, 4, D), [4, 2]
    other = {name: torch.randn_like(value) for name, value in encoder.state_dict().items()}
    with on(route):
        called = functional_call(encoder, other, (x, lengths))
    encoder.load_state_dict(other)
    assert torch.equal(called, run(route, encoder, x, lengths))
    torch.testing.assert_close(called, one_by_one(encoder, split(x, lengths)), rtol=1e-6, atol=1e-6)


@both_routes
def test_parametrized_weights_train(route: str) -> None:
    encoder = RNNEncoder(weight_norm(build("gru", 1), "weight_hh_l0"), seqpool.BiConcatPooler())
    x, lengths = torch.randn(2, 4, D), [4, 2]
    expected, actual = one_by_one(encoder, split(x, lengths)), run(route, encoder, x, lengths)
    torch.testing.assert_close(actual, expected, rtol=1e-6, atol=1e-6)
    steep = gradients(actual.pow(2).sum(), encoder)
    torch.testing.assert_close(steep, gradients(expected.pow(2).sum(), encoder), rtol=1e-5, atol=5e-6)
    assert all(value.any() for value in steep)


def test_hooks_of_the_network_run() -> None:
    encoder, seen = RNNEncoder(build("lstm"), seqpool.LastPooler()), []
    x = torch.randn(2, 4, D)
    expected = encoder(x, [4, 2])
    encoder.rnn.register_forward_hook(lambda *_: seen.append(1))
    torch.testing.assert_close(encoder(x, [4, 2]), expected)
    assert seen == [1]
    with pytest.raises(ValueError, match=r"forward hooks.*outside graphs"):
        torch.export.export(encoder, (x, torch.tensor([4, 2])))


@pytest.mark.parametrize("kind", KINDS)
@both_routes
def test_cpu_autocast_keeps_the_weights_precision(kind: str, route: str) -> None:
    encoder = RNNEncoder(build(kind), seqpool.LastPooler())
    x = torch.randn(2, 4, D)
    expected = run(route, encoder, x, [4, 2])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(run(route, encoder, x, [4, 2]), expected)
        half = run(route, encoder, x.bfloat16(), [4, 2])
    assert half.dtype == torch.float32
    assert all(value.isfinite().all() for value in gradients(half.sum(), encoder))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("batch_first", [True, pytest.param(False, marks=pytest.mark.full)])
def test_export_runs_at_other_batches_and_lengths(kind: str, batch_first: bool) -> None:
    encoder = RNNEncoder(build(kind, 2, True, batch_first), seqpool.BiConcatPooler()).eval()
    batch = torch.export.Dim("batch")
    x = torch.randn(3, 5, D) if batch_first else torch.randn(5, 3, D)
    program = torch.export.export(
        encoder, (x, torch.tensor([5, 2, 1])), dynamic_shapes=({0 if batch_first else 1: batch}, {0: batch})
    )
    lengths = [2, 5, 0, 3, 1]
    y = inputs(lengths, batch_first, 5)
    torch.testing.assert_close(program.module()(y, torch.tensor(lengths)), encoder(y, lengths), rtol=1e-6, atol=1e-6)


def test_export_with_a_mask_and_cells() -> None:
    encoder = RNNEncoder(build("lstm"), seqpool.CellStatePooler()).eval()
    batch = torch.export.Dim("batch")
    mask = torch.rand(3, 6) < 0.6
    program = torch.export.export(
        encoder, (torch.randn(3, 6, D),), {"mask": mask}, dynamic_shapes={"x": {0: batch}, "mask": {0: batch}}
    )
    x, mask = torch.randn(5, 6, D), torch.rand(5, 6) < 0.6
    torch.testing.assert_close(program.module()(x, mask=mask), encoder(x, mask=mask), rtol=1e-6, atol=1e-6)


@pytest.mark.filterwarnings("ignore:There is a performance drop")  # oneDNN's LSTM has no batching rule
# Said once a process, hence seen here only where no test before met it.
@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN:UserWarning")
@pytest.mark.parametrize("kind", KINDS)
def test_per_sample_gradients(kind: str) -> None:
    encoder = RNNEncoder(build(kind), seqpool.BiConcatPooler())
    weights = {name: weight.detach() for name, weight in encoder.named_parameters()}
    x, lengths = torch.randn(3, 5, D), torch.tensor([5, 1, 3])

    def loss(given: dict[str, Tensor], sample: Tensor, length: Tensor) -> Tensor:
        pooled: Tensor = functional_call(encoder, given, (sample[None], length[None]))
        return pooled.pow(2).sum()

    together = vmap(grad(loss), (None, 0, 0))(weights, x, lengths)
    for b in range(3):
        alone = gradients(encoder(x[b : b + 1], lengths[b : b + 1]).pow(2).sum(), encoder)
        torch.testing.assert_close([together[name][b] for name in weights], alone, rtol=1e-5, atol=5e-6)
