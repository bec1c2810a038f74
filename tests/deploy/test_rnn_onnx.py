"""A bidirectional RNN classifier in ONNX Runtime, through both of torch's exporters: the packed run's answers."""

from collections import Counter
from itertools import product
from pathlib import Path

import pytest
import torch
from onnxruntime.capi.onnxruntime_pybind11_state import (  # type: ignore[import-untyped]  # it has no types
    InvalidArgument,
)

from tests.deploy.models import RNNClassifier, assert_serves, batch, open_steps, quiet, session

pytestmark = quiet
STEPS = 3
SEEN = [3, 2, 1]
SAME_STEPS = ([2, 3, 0, 3, 1], [3], [1, 2, 3, 3])
OTHER_STEPS = ((5, [2, 5, 0, 3]), (2, [0, 1, 2]), (1, [1, 0]), (11, [11]))
KINDS = ("rnn", "rnn_relu", "lstm", "gru")
LOOPS = ("lstm", "gru")  # torch unrolls the others
QUICK = {("rnn", 1), ("gru", 1)}


def onnx_by_export(model: RNNClassifier, *axes: int) -> tuple[bytes, Counter[str]]:
    """The model that `dynamo=True` writes with these axes of the tokens open, and how often it uses each operator."""
    names = {0: "rows", 1: "steps"}
    sizes = {axis: torch.export.Dim(names[axis]) for axis in axes}
    program = torch.onnx.export(
        model, batch(SEEN, STEPS), dynamo=True, dynamic_shapes=(sizes, {0: sizes[0]}), verbose=False
    )
    assert program is not None
    proto = program.model_proto
    return proto.SerializeToString(), Counter(node.op_type for node in proto.graph.node)


def natives(operators: Counter[str]) -> int:
    return operators["LSTM"] + operators["GRU"] + operators["RNN"]


@pytest.mark.parametrize(
    ("kind", "layers"),
    [
        pytest.param(kind, layers, marks=() if (kind, layers) in QUICK else pytest.mark.full)
        for kind, layers in product(KINDS, (1, 2, 3))
    ],
)
def test_the_new_exporter_serves_other_batches(kind: str, layers: int) -> None:
    model = RNNClassifier(kind, layers).eval()
    written, operators = onnx_by_export(model, 0)
    assert_serves(session(written), model, *(batch(lengths, STEPS) for lengths in SAME_STEPS))
    with pytest.raises(InvalidArgument, match=r"Got: 4 Expected: 3"):
        session(written)(*batch([4, 1], STEPS + 1))
    # One native node a layer and direction; a plain RNN is unrolled, step by step.
    assert natives(operators) == (2 * layers if kind in LOOPS else 0)


@open_steps
@pytest.mark.parametrize(
    ("kind", "layers"),
    [
        pytest.param(kind, layers, marks=() if (kind, layers) == ("gru", 2) else pytest.mark.full)
        for kind, layers in product(LOOPS, (1, 2, 3))
    ],
)
def test_the_new_exporter_keeps_the_steps_of_lstm_and_gru_open(kind: str, layers: int) -> None:
    model = RNNClassifier(kind, layers).eval()
    written, operators = onnx_by_export(model, 0, 1)
    assert_serves(session(written), model, *(batch(lengths, steps) for steps, lengths in OTHER_STEPS))
    assert natives(operators) == 2 * layers


@pytest.mark.parametrize(("kind", "layers"), [*product(KINDS, (1, 2, 3))])
def test_the_old_exporter_serves_any_batch_and_any_steps(kind: str, layers: int, tmp_path: Path) -> None:
    model = RNNClassifier(kind, layers).eval()
    path = tmp_path / "model.onnx"
    sizes = {"tokens": {0: "batch", 1: "steps"}, "lengths": {0: "batch"}}
    torch.onnx.export(
        model, batch(SEEN, STEPS), path, dynamo=False, input_names=["tokens", "lengths"], dynamic_axes=sizes
    )
    others = [*(batch(lengths, STEPS) for lengths in SAME_STEPS), *(batch(n, steps) for steps, n in OTHER_STEPS)]
    assert_serves(session(str(path)), model, *others)
