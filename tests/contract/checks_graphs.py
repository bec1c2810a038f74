"""The promises about graphs: compiled once for all sizes, exported and traced for other shapes than seen."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from onnxruntime import InferenceSession  # type: ignore[import-untyped]  # it has no types
from torch import Tensor, nn
from torch._dynamo.testing import CompileCounterWithBackend

from seqpool.poolers.base import Pooler
from tests.contract.discovery import Case
from tests.contract.laying import Laid
from tests.contract.layouts import Layout
from tests.contract.rows import row
from tests.contract.running import Inputs, arguments, fitted, gradients, inputs_of, oracle, run

# Numbers of sequences, steps and rows, and an offset more than sequences: none is below 2, and the first are all
# different and none is the width, since Dynamo takes sizes that are equal at first for one size. The longest comes
# twice for the layout without padding.
SIZES = ((3, 6, 2, 6, 3), (7, 9, 9), (5, 8, 3, 8, 2, 3, 2))


@row("compile")
def check_compile(case: Case, layout: Layout, backend: str = "aot_eager") -> None:
    """One whole graph serves every size from 2 up, forward and backward."""
    pooler = case.build()
    torch._dynamo.reset()
    counter = CompileCounterWithBackend(backend)
    compiled = torch.compile(pooler, fullgraph=True, dynamic=True, backend=counter)
    for lengths in SIZES:
        batch = fitted(next(case.batches(lengths, states=layout.states)), layout).to(torch.float32)
        fixed = layout.laid_once(batch.rows)
        got, want = run(pooler, batch, fixed, call=compiled).pooled, run(pooler, batch, fixed).pooled
        torch.testing.assert_close(got, want)
        leaves = [*batch.leaves, *pooler.parameters()]
        cotangent = torch.randn_like(want)
        # A compiled backward gives its buffers away, so the graph cannot stay.
        found, expected = (gradients(pooled, leaves, cotangent, retain=False) for pooled in (got, want))
        for one, other in zip(found, expected, strict=True):
            torch.testing.assert_close(one, other)
    # Inductor picks kernels by size, and may guard on that.
    assert counter.frame_count == 1 or backend == "inductor", f"{counter.frame_count} graphs for {len(SIZES)} sizes"


class Call(nn.Module):
    """A call of a pooler in one layout, as a module of plain tensors."""

    def __init__(self, pooler: Pooler, layout: Layout, laid: Laid, names: Sequence[str]) -> None:
        super().__init__()
        self.pooler, self.layout, self.laid, self.names = pooler, layout, laid, list(names)

    def forward(self, *tensors: Tensor) -> Tensor:
        args, given = arguments(self.layout, self.laid, dict(zip(self.names, tensors, strict=True)))
        pooled: Tensor = self.pooler(*args, **given)
        return pooled


@dataclass(frozen=True)
class Example:
    """A call and its result."""

    call: Call
    inputs: Inputs
    want: Tensor

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        return tuple(tensor.detach() for tensor in self.inputs.values())


def examples(case: Case, layout: Layout) -> list[Example]:
    """One pooler's calls on batches of different sizes."""
    pooler = case.build().requires_grad_(False)
    found = []
    for lengths in SIZES:
        batch = fitted(next(case.batches(lengths, states=layout.states)), layout)
        laid = layout.lay(batch.rows)
        inputs = inputs_of(pooler, batch, layout, laid)
        found.append(Example(Call(pooler, layout, laid, list(inputs)), inputs, oracle(pooler, batch).detach()))
    return found


def dynamic(inputs: Inputs) -> tuple[dict[int, Any], ...]:
    """Every axis but that of features, and that of layers, may have another size."""
    free = {"values": (0, 1), "weights": (0, 1), "mask": (0, 1), "h_n": (1,), "c_n": (1,)}
    return tuple(
        {axis: torch.export.Dim.DYNAMIC for axis in free.get(name, (0,)) if axis < tensor.dim() - (name == "values")}
        for name, tensor in inputs.items()
    )


@functools.lru_cache(maxsize=1)  # two checks in a row look at one program
def exported(case: Case, layout: Layout) -> tuple[torch.export.ExportedProgram, list[Example]]:
    """A pooler's program, and calls of other sizes than it saw."""
    first, *others = examples(case, layout)
    shapes = (dynamic(first.inputs),)
    return torch.export.export(first.call, first.tensors, dynamic_shapes=shapes, strict=False), others


def _assert_serves(run_graph: Callable[..., Any], others: Sequence[Example]) -> None:
    for example in others:
        torch.testing.assert_close(run_graph(*example.tensors), example.want)


@row("export")
def check_export(case: Case, layout: Layout) -> None:
    """`torch.export` gives a program that is right at other shapes than it saw."""
    program, others = exported(case, layout)
    _assert_serves(program.module(), others)


@row("onnx")
def check_onnx(case: Case, layout: Layout) -> None:
    """ONNX Runtime runs the exported pooler, right at other shapes than it saw."""
    program, others = exported(case, layout)
    onnx = torch.onnx.export(program, dynamo=True, verbose=False)
    assert onnx is not None
    session = InferenceSession(onnx.model_proto.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [node.name for node in session.get_inputs()]

    def pooled(*tensors: Tensor) -> Tensor:
        fed = dict(zip(names, (tensor.numpy() for tensor in tensors), strict=True))
        return torch.from_numpy(session.run(None, fed)[0])

    _assert_serves(pooled, others)


@row("trace")
def check_trace(case: Case, layout: Layout) -> None:
    """`torch.jit.trace` gives a function that is right at other shapes than it saw."""
    first, *others = examples(case, layout)
    traced = torch.jit.trace(first.call, first.tensors)  # type: ignore[no-untyped-call]  # torch leaves it untyped
    _assert_serves(traced, others)
