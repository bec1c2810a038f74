"""A bidirectional RNN classifier compiled ahead of time, to a shared library: the packed run's answers."""

from itertools import product
from pathlib import Path

import pytest
import torch

from tests.deploy.models import RNNClassifier, assert_serves, batch, needs_compiler, quiet

pytestmark = [*quiet, needs_compiler, pytest.mark.full]  # README's example is the one that always runs
STEPS = 3


@pytest.mark.parametrize(
    ("kind", "layers"), [*product(("rnn", "lstm", "gru"), (1, 2, 3)), ("rnn_relu", 1), ("lstm_proj", 1)]
)
def test_a_compiled_package_serves_other_batches(kind: str, layers: int, tmp_path: Path) -> None:
    model = RNNClassifier(kind, layers).eval()
    size = {0: torch.export.Dim("batch")}
    with torch.no_grad():
        program = torch.export.export(model, batch([3, 2, 1], STEPS), dynamic_shapes=(size, size))
        path = torch._inductor.aoti_compile_and_package(program, package_path=str(tmp_path / "model.pt2"))
    run = torch._inductor.aoti_load_package(path)
    assert_serves(run, model, *(batch(lengths, STEPS) for lengths in ([2, 3, 0, 3, 1], [3], [1, 2, 3, 3])))
