"""The choice of backend: plain PyTorch, which runs everywhere, or Triton kernels."""

import importlib.metadata
import importlib.util
import re
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Literal, get_args

import torch
from torch import Tensor

Backend = Literal["reference", "triton"]
NEEDED = (3, 6)
PROVEN: frozenset[str] = frozenset()
"""Device types where the kernels are the default: those for which benchmarks/results holds a run that checked them."""

_asked: Backend | None = None
_kernels: ModuleType | None = None


@contextmanager
def backend(name: Backend) -> Iterator[None]:
    """Run the verbs on one backend, compiled calls included; without it, each device has its own default.

    Source: this library; the form is that of `torch.nn.attention.sdpa_kernel`.

    Args:
        name: "reference", plain PyTorch; or "triton", kernels for CUDA and ROCm. Exported graphs, `torch.jit.trace` and
            `torch.func` transforms take the reference in either case.

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
        _require()
    before, _asked = _asked, name
    try:
        yield
    finally:
        _asked = before


def kernels_for(rows: Tensor) -> ModuleType | None:
    """The kernels, where these rows go to them; `None` where they go to the reference."""
    if (_asked or _usual(rows.device.type)) == "reference" or _watched() or 0 in rows.shape:
        return None
    kernels = _require()
    if rows.device.type == "cpu" and not kernels.INTERPRETED:
        raise ValueError(
            'backend("triton") needs tensors on a GPU, cpu came: move them, or leave the CPU to backend("reference")'
        )
    return kernels


def _usual(device: str) -> Backend:
    return "triton" if device in PROVEN and _fault() is None else "reference"


def _watched() -> bool:
    """Whether an export, a trace or a `torch.func` transform is watching, which kernels do not take part in."""
    return bool(
        torch.compiler.is_exporting()
        or torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]  # public in torch's documentation
        or torch._C._are_functorch_transforms_active()
    )


def _require() -> ModuleType:
    global _kernels
    if _kernels is None:
        fault = _fault()
        if fault is not None:
            raise ImportError(fault)
        _kernels = importlib.import_module("seqpool.ops.triton")
    return _kernels


def _fault() -> str | None:
    """What keeps the kernels from running here."""
    needed = ".".join(map(str, NEEDED))
    cure = f'install triton>={needed}, or use backend("reference")'
    if importlib.util.find_spec("triton") is None:
        return f'backend("triton") needs Triton {needed} or newer, none is installed: {cure}'
    version = importlib.metadata.version("triton")
    if tuple(map(int, re.findall(r"\d+", version)[:2])) < NEEDED:
        return f'backend("triton") needs Triton {needed} or newer, {version} is installed: {cure}'
    return None
