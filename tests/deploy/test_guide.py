"""Every example of "Deploying" in seqpool/README.md runs, and answers as the packed run does."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.deploy.models import needs_compiler, open_steps, packed_logits, quiet
from tests.guide import blocks

pytestmark = quiet
BLOCKS = blocks("Deploying", "deploy")
ROUTES = ("export", "aoti", "onnx", "onnx-any-steps", "compile", "train", "train-around", "transformer")
Names = dict[str, Any]
Marks = tuple[pytest.MarkDecorator, ...]

marks: dict[str, Marks] = {
    "compile": (needs_compiler,),
    "train": (needs_compiler, pytest.mark.full),
    "onnx": (open_steps,),
}


def test_every_example_is_run() -> None:
    assert list(BLOCKS) == ["model", *ROUTES]


def run_example(route: str, folder: Path) -> Names:
    names: Names = {}
    with pytest.MonkeyPatch.context() as patch, torch._dynamo.config.patch(allow_rnn=torch._dynamo.config.allow_rnn):
        patch.chdir(folder)
        exec(BLOCKS["model"], names)
        exec(BLOCKS[route], names)
    return names


def alone(model: nn.Module, tokens: Tensor, mask: Tensor) -> Tensor:
    """Each sequence by itself, without padding, averaged."""
    embed, encoder, head = model.get_submodule("embed"), model.get_submodule("encoder"), model.get_submodule("head")
    zero = embed(tokens[:1, 0])[0] * 0
    means = [
        encoder(embed(row[kept])[None])[0].mean(0) if kept.any() else zero
        for row, kept in zip(tokens, mask, strict=True)
    ]
    logits: Tensor = head(torch.stack(means))
    return logits


def assert_answers(names: Names, route: str) -> None:
    """The answer is right, and so are the gradients where the example trains."""
    model: nn.Module = names["model"].eval()
    expected = (alone if route == "transformer" else packed_logits)(model, *names["request"])
    torch.testing.assert_close(names["answer"].detach(), expected.detach(), rtol=1e-5, atol=1e-6)
    if route.startswith("train"):
        trained = {name: weight.grad for name, weight in model.named_parameters()}
        steep = torch.autograd.grad(expected.sum(), list(model.parameters()))
        torch.testing.assert_close(list(trained.values()), list(steep), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "route",
    [pytest.param(route, marks=marks.get(route, ())) for route in ROUTES if route not in ("aoti", "train-around")],
)
def test_the_example_answers_as_the_packed_run(route: str, tmp_path: Path) -> None:
    assert_answers(run_example(route, tmp_path), route)


@needs_compiler
def test_training_around_the_encoder_leaves_it_alone_out_of_the_graph(tmp_path: Path) -> None:
    counters = torch._dynamo.utils.counters
    counters.clear()
    assert_answers(run_example("train-around", tmp_path), "train-around")
    (reason,) = counters["graph_break"]
    assert "RNNEncoder.forward" in reason
    assert "torch.compiler.disable" in reason


SERVE = """
import torch
run = torch._inductor.aoti_load_package("compiled.pt2")
run(torch.zeros(2, 15, dtype=torch.int64), torch.tensor([1, 2]))
"""


@needs_compiler
@pytest.mark.full  # `test_export.py` compiles a package each time
def test_a_compiled_package_answers_and_looks_at_shapes_where_told(tmp_path: Path) -> None:
    assert_answers(run_example("aoti", tmp_path), "aoti")
    # A process of its own: the package reads the setting once.
    told = os.environ | {"AOTI_RUNTIME_CHECK_INPUTS": "1"}
    command = [sys.executable, "-c", SERVE]
    served = subprocess.run(command, cwd=tmp_path, env=told, capture_output=True, text=True, check=False)
    assert served.returncode == 1
    assert "unmatched dim value at 1, expected: 16, but got: 15" in served.stderr
