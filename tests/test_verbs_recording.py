"""`recording.run`: the same numbers whether or not somebody differentiates, and never a gradient lost."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.autograd import forward_ad

from seqpool import ops
from seqpool.ops import recording
from tests.layouts import LAYOUTS
from tests.verb_cases import lay, leaves

# torch leaves them untyped.
make_dual: Callable[[Tensor, Tensor], Tensor] = forward_ad.make_dual
unpack_dual: Callable[[Tensor], forward_ad.UnpackedDualTensor] = forward_ad.unpack_dual


class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(x: Tensor, times: int, y: Tensor) -> Tensor:
        return times * (x + y)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, int, Tensor], output: Tensor) -> None:  # noqa: ARG004  # torch passes it
        ctx.times = inputs[1]

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, Tensor]:
        return ctx.times * grad, None, ctx.times * grad


@pytest.mark.parametrize("asked", ["first", "last"])
def test_one_tensor_that_asks_is_enough(asked: str) -> None:
    x, y = torch.ones(2, requires_grad=asked == "first"), torch.ones(2, requires_grad=asked == "last")
    result = recording.run(Doubled, x, 3, y)
    assert result.tolist() == [6.0, 6.0]
    result.sum().backward()
    assert [None if leaf.grad is None else leaf.grad.tolist() for leaf in (x, y)] == (
        [[3.0, 3.0], None] if asked == "first" else [None, [3.0, 3.0]]
    )


def test_nothing_is_recorded_where_nobody_asks() -> None:
    x = torch.ones(2, requires_grad=True)
    with torch.no_grad():
        assert recording.run(Doubled, x, 3, x).grad_fn is None
    assert recording.run(Doubled, x.detach(), 3, x.detach()).grad_fn is None


# torch.autograd.forward_ad itself compiles with torch.jit.script, which torch has deprecated.
@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("verb", [ops.total, ops.peak, lambda seq, rows: ops.variation(seq, rows)[1]])
@pytest.mark.parametrize("width", [3, 5500])
def test_forward_mode_is_right_or_refused(layout: str, verb: Any, width: int) -> None:
    """Directions that come with the rows are never dropped in silence."""
    laid = lay(layout, [x.detach() for x in leaves([4, 3], width=width)])
    seq, rows = laid.view(), laid.rows().nan_to_num(0.5)
    direction, refusal = torch.randn_like(rows), "the direction was dropped, and nothing said"
    with forward_ad.dual_level():
        try:
            tangent = unpack_dual(verb(seq, make_dual(rows, direction))).tangent
        except (RuntimeError, NotImplementedError) as error:
            tangent, refusal = None, str(error)
    if tangent is None:
        assert re.search("forward.*AD|forward mode|automatic differentiation|jvp", refusal, re.IGNORECASE)
        return
    step = 1e-6
    slope = (verb(seq, rows + step * direction) - verb(seq, rows - step * direction)) / (2 * step)
    torch.testing.assert_close(tangent, slope, rtol=1e-5, atol=1e-5)
