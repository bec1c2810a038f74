"""A bidirectional RNN classifier through `torch.export` and `torch.jit.trace`: the packed run's answers."""

from itertools import product

import pytest
import torch

import seqpool
from tests.deploy.models import RNNClassifier, assert_serves, batch, quiet

pytestmark = quiet
STEPS = 4
SEEN = [4, 2, 3]
OTHERS = ([2, 4, 0, 3, 1], [0, 0], [3], [1, 2, 3, 4])
KINDS = ("rnn", "rnn_relu", "lstm", "gru", "lstm_proj")
QUICK = {("lstm", 3), ("rnn", 1), ("lstm_proj", 1)}
MATRIX = [
    pytest.param(kind, layers, marks=() if (kind, layers) in QUICK else pytest.mark.full)
    for kind, layers in product(KINDS, (1, 2, 3))
]


@pytest.mark.parametrize(("kind", "layers"), MATRIX)
def test_export_serves_other_batches(kind: str, layers: int) -> None:
    """T is the one it was exported with; B may be anything, one row and nothing but empty rows included."""
    model = RNNClassifier(kind, layers).eval()
    size = {0: torch.export.Dim("batch")}
    program = torch.export.export(model, batch(SEEN, STEPS), dynamic_shapes=(size, size))
    assert_serves(program.module(), model, *(batch(lengths, STEPS) for lengths in OTHERS if any(lengths)))
    with torch.no_grad():
        empty = program.module()(*batch([0, 0], STEPS))
    assert torch.equal(empty, model.head.bias.expand(2, -1))


def test_a_shorter_batch_is_padded_to_the_exported_steps() -> None:
    """Padding changes nothing: the answer is the one of the batch as it came."""
    model = RNNClassifier("gru", 1).eval()
    program = torch.export.export(model, batch(SEEN, STEPS))
    tokens, lengths = batch([2, 1, 0], 2)
    padded = torch.nn.functional.pad(tokens, (0, STEPS - 2))
    with torch.no_grad():
        torch.testing.assert_close(program.module()(padded, lengths), model(tokens, lengths), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("kind", "layers"), [*product(KINDS, (1, 2, 3))])
def test_a_trace_serves_any_batch_and_any_steps(kind: str, layers: int) -> None:
    model = RNNClassifier(kind, layers).eval()
    traced = torch.jit.trace(model, batch(SEEN, STEPS))  # type: ignore[no-untyped-call]  # torch leaves it untyped
    assert_serves(traced, model, batch([2, 4, 0, 3, 1], STEPS), batch([0, 9, 3], 9), batch([1], 2))


def test_the_cells_of_an_lstm_export() -> None:
    model = RNNClassifier("lstm", 2, seqpool.CellStatePooler()).eval()
    size = {0: torch.export.Dim("batch")}
    program = torch.export.export(model, batch(SEEN, STEPS), dynamic_shapes=(size, size))
    tokens, lengths = batch([2, 4, 0, 3, 1], STEPS)
    with torch.no_grad():
        torch.testing.assert_close(program.module()(tokens, lengths), model(tokens, lengths), rtol=1e-6, atol=1e-6)
