"""Whether the host may look at values, as it may where nobody records what it does and nothing waits."""

import torch
from torch import Tensor


def on_host(tensor: Tensor) -> bool:
    """Whether values may steer Python here: on the CPU and outside graphs."""
    return tensor.device.type == "cpu" and not in_graph()


def in_graph() -> bool:
    """Whether a graph, a trace or a `torch.func` transform is watching, so that Python sees no values."""
    return bool(
        torch.compiler.is_compiling()
        or torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]  # public in torch's documentation
        or torch._C._are_functorch_transforms_active()
    )
