"""The switch between backends: who is asked, what is refused, and that it reaches compiled calls."""

import importlib.metadata
import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

import seqpool
from seqpool import ops
from seqpool.ops import choice as switch
from seqpool.ops import triton as kernels

ROWS = torch.tensor([[[1.0], [3.0], [9.0]]])


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The verbs that went to the kernels."""
    calls: list[str] = []
    total = kernels.total

    def spy(*arguments: Any) -> torch.Tensor:
        calls.append("total")
        return total(*arguments)

    monkeypatch.setattr(kernels, "total", spy)
    return calls


def mean() -> list[float]:
    pooled: torch.Tensor = seqpool.MaskedMeanPooler()(ROWS, lengths=[2])
    return pooled.flatten().tolist()


def test_the_reference_is_the_default(asked: list[str]) -> None:
    assert mean() == [2.0]
    assert asked == []


def test_a_device_that_was_proven_takes_kernels_by_default(asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(switch, "PROVEN", frozenset({"cpu"}))
    assert mean() == [2.0]
    assert asked == ["total"]
    with ops.backend("reference"):
        assert mean() == [2.0]
    assert asked == ["total"]


def test_the_innermost_choice_holds_and_ends(asked: list[str]) -> None:
    with ops.backend("triton"):
        with ops.backend("reference"):
            mean()
        assert asked == []
        mean()
    with pytest.raises(KeyError), ops.backend("triton"):
        raise KeyError
    mean()
    assert asked == ["total"]


@pytest.mark.parametrize("axis", [0, 1])
def test_more_steps_than_kernels_count_go_to_the_reference(axis: int) -> None:
    within, beyond = [1, 1, 1], [1, 1, 1]
    within[axis], beyond[axis] = 2**30, 2**30 + 1
    with ops.backend("triton"):
        assert switch.kernels_for(torch.zeros(1, 1, 1).expand(within)) is kernels
        assert switch.kernels_for(torch.zeros(1, 1, 1).expand(beyond)) is None


def test_an_unknown_name_is_refused() -> None:
    wrong: Any = "cuda"
    message = r"^backend must be one of 'reference', 'triton', 'cuda' came$"
    with pytest.raises(ValueError, match=message), ops.backend(wrong):
        mean()


@pytest.fixture
def _nothing_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(switch, "_fault_found", switch._fault_found.__wrapped__)


@pytest.mark.usefixtures("_nothing_found_out")
def test_without_triton(monkeypatch: pytest.MonkeyPatch) -> None:
    """By default the reference, silently; by name an error."""
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "triton" else find_spec(name))
    monkeypatch.setattr(switch, "PROVEN", frozenset({"cpu"}))
    assert mean() == [2.0]
    message = r'^backend\("triton"\) needs Triton 3.6 or newer, none is installed: install triton>=3.6, or use '
    with pytest.raises(ImportError, match=message), ops.backend("triton"):
        mean()


@pytest.mark.usefixtures("_nothing_found_out")
def test_with_an_old_triton(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.metadata, "version", lambda _: "3.5.1+git")
    monkeypatch.setattr(switch, "PROVEN", frozenset({"cpu"}))
    assert mean() == [2.0]
    message = r'^backend\("triton"\) needs Triton 3.6 or newer, 3.5.1\+git is installed: install triton>=3.6, or use '
    with pytest.raises(ImportError, match=message), ops.backend("triton"):
        mean()


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_a_device_without_compiled_kernels_is_refused(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "INTERPRETED", False)
    seq = seqpool.view(ROWS, lengths=[2])
    message = rf'^backend\("triton"\) needs tensors on a CUDA or ROCm GPU, {device} came: move them, or leave them to '
    with pytest.raises(ValueError, match=message), ops.backend("triton"):
        ops.total(seq, ROWS.to(device))


@pytest.mark.parametrize(("hip", "takes_kernels"), [(None, True), ("7.0", False)])
def test_a_run_on_cuda_proves_nothing_of_rocm(
    hip: str | None, takes_kernels: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PyTorch calls both "cuda"."""
    monkeypatch.setattr(switch, "PROVEN", frozenset({"cuda"}))
    monkeypatch.setattr(torch.version, "hip", hip)
    with FakeTensorMode():
        assert (switch.kernels_for(torch.empty(2, 3, device="cuda")) is kernels) is takes_kernels


def test_only_a_run_on_a_gpu_makes_kernels_the_default() -> None:
    assert (Path(__file__).parents[1] / "benchmarks" / "results" / "gpu.csv").exists() or not switch.PROVEN


FIRST_CALL = """
import sys, torch
import seqpool
from seqpool.ops import choice
assert "seqpool.ops.triton" not in sys.modules
choice.PROVEN = frozenset({"cpu"})
pooler = torch.compile(seqpool.MaskedMeanPooler(), fullgraph=True, backend="eager")
pooled = pooler(torch.tensor([[[1.0], [3.0], [9.0]]]), lengths=torch.tensor([2]))
assert "seqpool.ops.triton" in sys.modules
print(pooled.tolist())
"""


def test_the_first_call_may_be_a_compiled_one() -> None:
    """In a fresh process, where nothing was loaded or found out before."""
    done = subprocess.run([sys.executable, "-W", "error", "-c", FIRST_CALL], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "[[2.0]]\n"


def test_it_works_around_compiled_calls() -> None:
    """One graph a backend serves all sizes, and only one of them holds the operator."""
    graphs: list[bool] = []

    def look(graph: torch.fx.GraphModule, _: list[torch.Tensor]) -> torch.fx.GraphModule:
        graphs.append(any("segment_total" in str(node.target) for node in graph.graph.nodes))
        return graph

    pooler = torch.compile(seqpool.MaskedMeanPooler(), fullgraph=True, dynamic=True, backend=look)
    for steps in (3, 5):
        x = torch.randn(2, steps, 4)
        lengths = torch.tensor([steps, 2])
        expected = pooler(x, lengths=lengths)
        with ops.backend("triton"):
            torch.testing.assert_close(pooler(x, lengths=lengths), expected)
    assert graphs == [False, True]


@pytest.mark.parametrize("verb", ["mean", "max", "attention", "log-mean-exp", "variation"])
def test_operators_are_sound(verb: str) -> None:
    """Schema, fake shapes, gradients and ahead-of-time graphs."""
    x = torch.randn(3, 5, 4, requires_grad=True)
    seq = seqpool.view(x.detach(), lengths=[3, 0, 5])
    address = seq.start, seq.lengths, None, None, None, None, 1
    if verb == "mean":
        torch.library.opcheck(torch.ops.seqpool.segment_total.default, (x, *address, torch.float32))
    elif verb == "max":
        torch.library.opcheck(torch.ops.seqpool.segment_peak.default, (x, *address, True))
    elif verb == "log-mean-exp":
        torch.library.opcheck(torch.ops.seqpool.segment_logsumexp.default, (x, *address, torch.float32))
    elif verb == "variation":
        torch.library.opcheck(torch.ops.seqpool.segment_variation.default, (x, *address, torch.float32))
    else:
        scores = torch.randn(3, 5, 2, requires_grad=True)
        torch.library.opcheck(torch.ops.seqpool.segment_attend.default, (x, scores, *address, torch.float32))


def test_transforms_take_the_reference(asked: list[str]) -> None:
    seq = seqpool.view(ROWS, lengths=[2])
    with ops.backend("triton"):
        mapped = torch.func.vmap(lambda rows: ops.total(seq, rows))(torch.stack([ROWS, 2 * ROWS]))
    assert mapped.flatten().tolist() == [4.0, 8.0]
    assert asked == []
