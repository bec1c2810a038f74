"""The door to Triton: no other file imports it."""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

import torch
import triton
import triton.language as tl

__all__ = ["INTERPRETED", "jit", "kernel_op", "launch", "tl"]

P = ParamSpec("P")
R = TypeVar("R")

INTERPRETED = bool(triton.knobs.runtime.interpret)
"""Whether Triton's interpreter runs the kernels on the CPU, as `TRITON_INTERPRET=1` asks for at import."""

jit = triton.jit


def kernel_op(
    fake: Callable[P, R], keep: Callable[..., None], backward: Callable[..., Any]
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a function that launches kernels a differentiable operator that graphs can hold.

    Compiled kernels make a `triton_op`, which `torch.compile` looks into. It cannot look into interpreted ones, so they
    make an opaque `custom_op`, whose shapes `fake` gives. `keep` saves what `backward` needs.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        name = f"seqpool::{function.__name__}"
        if INTERPRETED:
            operator = torch.library.custom_op(name, function, mutates_args=())
            operator.register_fake(fake)
        else:
            operator = torch.library.triton_op(name, function, mutates_args=())
        operator.register_autograd(backward, setup_context=keep)
        return cast(Callable[P, R], operator)

    return decorate


def launch(kernel: Any) -> Any:
    """The kernel as an operator's body launches it."""
    return kernel if INTERPRETED else torch.library.wrap_triton(kernel)
