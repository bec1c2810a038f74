"""The door to Triton: no other file imports it."""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

import torch
import triton
import triton.language as tl

__all__ = ["INTERPRETED", "KEEPS_LINES", "jit", "kernel_op", "launch", "tl"]

P = ParamSpec("P")
R = TypeVar("R")

INTERPRETED = bool(triton.knobs.runtime.interpret)
"""Whether Triton's interpreter runs the kernels on the CPU, as `TRITON_INTERPRET=1` asks for at import."""

KEEPS_LINES = tuple(map(int, triton.__version__.split(".")[:2])) >= (3, 9)
"""Whether whole rows fit a program's registers: Triton 3.6 spills kilobytes of them, 3.9 nothing."""

UNSPECIALISED = (
    "across", "along", "between", "query_across", "score_across", "score_along", "keep_across", "keep_along",
    "rows", "size", "features", "heads",
)  # fmt: skip  # a list
"""Numbers whose value picks no machine code of its own: they come divided by what must be known to divide them."""

jit = triton.jit(do_not_specialize=UNSPECIALISED)


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
            operator: Any = torch.library.custom_op(name, function, mutates_args=())
            operator.register_fake(fake)
        else:
            operator = torch.library.triton_op(name, function, mutates_args=())
        operator.register_autograd(backward, setup_context=keep)
        return cast(Callable[P, R], operator)

    return decorate


def launch(kernel: Any) -> Any:
    """The kernel as an operator's body launches it."""
    return kernel if INTERPRETED else torch.library.wrap_triton(kernel)


def compile_ahead(kernel: Any, arguments: dict[str, Any], target: tuple[str, int | str, int], warps: int) -> Any:
    """Compile a kernel for a target (backend, architecture, lanes a warp) with no such device at hand.

    What a launch with these arguments would specialise on is specialised on here: pointers and integers that 16
    divides, integers that are 1, and what is absent.
    """
    signature, constants, attributes = {}, {}, {}
    for place, (name, parameter) in enumerate(zip(kernel.arg_names, kernel.params, strict=True)):
        value = arguments[name]
        fixed = is_fixed(parameter, value)
        signature[name] = "constexpr" if fixed else _type_of(value)
        if fixed:
            constants[name] = value
        elif (
            not parameter.do_not_specialize
            and (value.data_ptr() if isinstance(value, torch.Tensor) else value) % 16 == 0
        ):
            attributes[(place,)] = [["tt.divisibility", 16]]
    source = triton.compiler.ASTSource(kernel, signature, constants, attributes)
    options = {"num_warps": warps, "num_stages": 1, "enable_fp_fusion": True}
    return triton.compile(source, target=triton.backends.compiler.GPUTarget(*target), options=options)


def is_fixed(parameter: Any, value: Any) -> bool:
    """Whether the machine code holds the value of an argument."""
    one = type(value) is int and value == 1 and not parameter.do_not_specialize
    return bool(parameter.is_constexpr or value is None or one)


def _type_of(value: Any) -> str:
    if isinstance(value, torch.Tensor):
        return f"*{triton.runtime.jit.type_canonicalisation_dict[str(value.dtype).removeprefix('torch.')]}"
    return "i32" if -(2**31) <= value < 2**31 else "i64"
