"""The choice of backend: plain PyTorch, which runs everywhere, or Triton kernels."""

import importlib.metadata
import importlib.util
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from types import ModuleType
from typing import Literal, get_args

import torch
from torch import Tensor

Backend = Literal["reference", "triton"]
NEEDED = (3, 6)
RUN_ON = frozenset({"cuda", "rocm"})
"""Platforms that the kernels are compiled for."""
PROVEN: frozenset[str] = frozenset()
"""Platforms where the kernels are the default: those on which benchmarks/results/gpu.csv was made, checks passed."""

MOST_STEPS = 2**30
"""Steps that the kernels count, in 32 bits with room for a tile behind the last one."""

_asked: Backend | None = None


@contextmanager
def backend(name: Backend) -> Iterator[None]:
    """Run the verbs on one backend, compiled calls included; without it, each device has its own default.

    Source: this library; the form is that of `torch.nn.attention.sdpa_kernel`.

    Args:
        name: "reference", plain PyTorch; or "triton", kernels for CUDA and ROCm. Exported graphs, `torch.jit.trace` and
            `torch.func` transforms, and an axis of more than 2**30 steps, take the reference in either case.

    Raises:
        ValueError: for another name.
        ImportError: when Triton is asked for and is missing, or older than the kernels need.

    Example:
        >>> with ops.backend("reference"):
        ...     pooled = MaskedMeanPooler()(torch.ones(2, 3, 4), lengths=[3, 1])
    """
    global _asked
    if name not in get_args(Backend):
        raise ValueError(f"backend must be one of {', '.join(map(repr, get_args(Backend)))}, {name!r} came")
    if name == "triton":
        fault = _fault()
        if fault is not None:
            raise ImportError(fault)
    before, _asked = _asked, name
    try:
        yield
    finally:
        _asked = before


def kernels_for(rows: Tensor) -> ModuleType | None:
    """The kernels, where these rows go to them; `None` where they go to the reference."""
    asked = _asked or _usual(platform(rows.device.type))
    if asked == "reference" or watched() or 0 in rows.shape or any(size > MOST_STEPS for size in rows.shape[:-1]):
        return None
    # A statement, which Dynamo runs while it traces; `import_module` would break the graph.
    from seqpool.ops import triton as kernels

    if not kernels.INTERPRETED and platform(rows.device.type) not in RUN_ON:
        raise ValueError(
            f'backend("triton") needs tensors on a CUDA or ROCm GPU, {rows.device.type} came: '
            'move them, or leave them to backend("reference")'
        )
    return kernels


def platform(device: str) -> str:
    """What compiles for a device type: PyTorch calls two of them "cuda"."""
    return "rocm" if device == "cuda" and torch.version.hip is not None else device


def _usual(platform: str) -> Backend:
    return "triton" if platform in PROVEN and _fault() is None else "reference"


def watched() -> bool:
    """Whether an export, a trace or a `torch.func` transform is watching.

    Kernels do not take part in them, and what they show of `requires_grad` says nothing of what they will ask for.
    """
    return bool(
        torch.compiler.is_exporting()
        or torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]  # public in torch's documentation
        or torch._C._are_functorch_transforms_active()
    )


# Dynamo calls it, rather than trace how packages are looked up.
@torch.compiler.assume_constant_result  # type: ignore[untyped-decorator]  # public in torch's documentation
def _fault() -> str | None:
    return _fault_found()


@cache
def _fault_found() -> str | None:
    """What keeps the kernels from running here; asked by every verb, found out once."""
    needed = ".".join(map(str, NEEDED))
    cure = f'install triton>={needed}, or use backend("reference")'
    if importlib.util.find_spec("triton") is None:
        return f'backend("triton") needs Triton {needed} or newer, none is installed: {cure}'
    version = importlib.metadata.version("triton")
    if tuple(map(int, re.findall(r"\d+", version)[:2])) < NEEDED:
        return f'backend("triton") needs Triton {needed} or newer, {version} is installed: {cure}'
    return None
