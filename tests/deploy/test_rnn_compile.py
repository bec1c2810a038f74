"""A bidirectional RNN classifier under `torch.compile`: one graph, the packed run's answers and gradients."""

from collections.abc import Iterator
from itertools import product

import pytest
import torch
from torch import Tensor, nn

from tests.deploy.models import CLASSES, RNNClassifier, assert_serves, batch, packed_logits, quiet

pytestmark = quiet
KINDS = ("rnn", "rnn_relu", "lstm", "gru", "lstm_proj")
FULL = pytest.mark.full


@pytest.fixture(autouse=True)
def _recurrent_modules_are_allowed() -> Iterator[None]:
    with torch._dynamo.config.patch(allow_rnn=True):
        yield


def compiled(model: nn.Module, backend: str) -> nn.Module:
    return torch.compile(model, fullgraph=True, dynamic=True, backend=backend)  # type: ignore[return-value]  # a module again


@pytest.mark.parametrize(
    ("kind", "layers", "backend"),
    [
        ("lstm", 1, "aot_eager"),
        *(pytest.param(kind, 1, "aot_eager", marks=FULL) for kind in ("rnn", "rnn_relu", "gru", "lstm_proj")),
        *(pytest.param(*case, "aot_eager", marks=FULL) for case in product(KINDS, (2, 3))),
        *(pytest.param(*case, "inductor", marks=FULL) for case in product(KINDS, (1, 2, 3))),
    ],
)
def test_inference_in_one_graph(kind: str, layers: int, backend: str) -> None:
    model = RNNClassifier(kind, layers).eval()
    run = compiled(model, backend)
    assert_serves(run, model, batch([2, 0, 1], 2), batch([1, 2, 2, 0, 2], 2))
    if kind == "lstm":  # the others are unrolled, and compile anew for each T
        assert_serves(run, model, batch([2, 4, 1, 0], 4), batch([7, 3], 7))


def loss(logits: Tensor) -> Tensor:
    return nn.functional.cross_entropy(logits, torch.arange(len(logits)) % CLASSES)


@pytest.mark.parametrize(
    ("kind", "layers", "backend"),
    [
        ("gru", 1, "aot_eager"),
        *(pytest.param(kind, 1, "aot_eager", marks=FULL) for kind in ("rnn", "rnn_relu", "lstm", "lstm_proj")),
        *(pytest.param(*case, "aot_eager", marks=FULL) for case in product(KINDS, (2, 3))),
        *(pytest.param(*case, "inductor", marks=FULL) for case in product(("rnn", "lstm", "gru"), (1, 2))),
    ],
)
def test_training_in_one_graph(kind: str, layers: int, backend: str) -> None:
    model = RNNClassifier(kind, layers)
    run = compiled(model, backend)
    for tokens, lengths in (batch([2, 0, 1], 2), batch([1, 2, 2, 0], 2)):
        actual = torch.autograd.grad(loss(run(tokens, lengths)), list(model.parameters()))
        expected = torch.autograd.grad(loss(packed_logits(model, tokens, lengths)), list(model.parameters()))
        torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("layers", "frozen"),
    [(1, "nothing"), *(pytest.param(2, frozen, marks=FULL) for frozen in ("nothing", "_l0", "weight_ih", "reverse"))],
)
def test_an_lstm_trains_over_an_input_without_gradient(layers: int, frozen: str) -> None:
    """There the compiler would take oneDNN's LSTM, which it cannot differentiate."""
    model = RNNClassifier("lstm", layers)
    model.embed.requires_grad_(False)
    for name, weight in model.encoder.rnn.named_parameters():
        weight.requires_grad_(frozen not in name)
    learning = [weight for weight in model.parameters() if weight.requires_grad]
    tokens, lengths = batch([2, 0, 1], 2)
    actual = torch.autograd.grad(loss(compiled(model, "aot_eager")(tokens, lengths)), learning)
    expected = torch.autograd.grad(loss(packed_logits(model, tokens, lengths)), learning)
    torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-6)
