"""The fused kernels of linear scores in Triton's interpreter: the reference, and each sequence alone in float64."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

import seqpool
from seqpool import ops
from seqpool.ops import triton as kernels
from seqpool.ops.choice import Backend
from seqpool.ops.triton import scored_tiles
from tests.layouts import cases
from tests.verb_cases import gradients, lay, leaves

BATCH = [0, 5, 2, 0, 1]
CASES = [*cases(BATCH), *(case for case in cases([5, 2, 2, 1]) if case[0].startswith("packed"))]
WIDTH = 65
"""One more than whole rows have at least: odd."""
A_KIND_EACH = ["right", "holes", "time_major", "narrowed", "packed"]
BOTH = pytest.mark.parametrize("own", [False, True], ids=["shared", "own"])


@pytest.fixture
def fused(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How often rows went to the fused kernels."""
    calls: list[int] = []
    attend_by = kernels.attend_by

    def spy(*arguments: Any) -> Tensor:
        calls.append(1)
        return attend_by(*arguments)

    monkeypatch.setattr(kernels, "attend_by", spy)
    return calls


def one(width: int, dtype: torch.dtype, batch: int | None = None) -> Tensor:
    """A query for all sequences, or one for each; scores of about 1, whatever the width."""
    size = (1, width) if batch is None else (batch, 1, width)
    return (torch.randn(size, dtype=dtype) / math.sqrt(width)).requires_grad_()


def alone(x: Tensor, query: Tensor) -> Tensor:
    """The definition on one sequence."""
    pooled: Tensor = (x @ query.t()).softmax(0).t() @ x
    return pooled


def exact(ragged: list[Tensor], query: Tensor, cotangent: Tensor) -> list[Tensor]:
    """Values and gradients of each sequence alone, in float64."""
    wide = [x.detach().double().requires_grad_() for x in ragged]
    asked = query.detach().double().requires_grad_()
    each = asked.unbind() if asked.ndim == 3 else [asked] * len(wide)
    pooled = torch.stack([alone(x, q) if x.shape[0] else x.sum() * q for x, q in zip(wide, each, strict=True)])
    return [pooled.detach(), *gradients(pooled, [*wide, asked], cotangent.double())]


def pooled(name: Backend, layout: str, ragged: list[Tensor], query: Tensor, cotangent: Tensor) -> list[Tensor]:
    """Values, then gradients by all sequences and by the query."""
    with ops.backend(name):
        laid = lay(layout, ragged)
        values = ops.attend_by(laid.view(), laid.rows(), query)
        return [values.detach(), *gradients(values, [*ragged, query], cotangent.to(values.dtype))]


def check(layout: str, ragged: list[Tensor], query: Tensor) -> None:
    """As near to the definition as the dtype of each result lets it be."""
    cotangent = torch.randn(len(ragged), *query.shape[-2:], dtype=query.dtype)
    mine = pooled("triton", layout, ragged, query, cotangent)
    assert mine[0].dtype == ops.accumulator(query.dtype)
    for got, wanted in zip(mine, exact(ragged, query, cotangent), strict=True):
        # In single precision, sums over up to 257 features of numbers of about 10.
        rtol, atol = (1e-5, 1e-4) if got.dtype == torch.float32 else (None, None)
        torch.testing.assert_close(got, wanted.to(got.dtype), rtol=rtol, atol=atol)


@pytest.mark.parametrize(("layout", "lengths"), CASES)
def test_every_layout(layout: str, lengths: tuple[int, ...], fused: list[int]) -> None:
    check(layout, leaves(lengths, width=WIDTH), one(WIDTH, torch.float64))
    check(layout, leaves(lengths, width=WIDTH), one(WIDTH, torch.float64, len(lengths)))
    assert len(fused) == (0 if layout == "channels_first" else 2)


@pytest.mark.parametrize("width", [64, 66, 136, 257])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_every_dtype_and_width(dtype: torch.dtype, width: int, fused: list[int]) -> None:
    check("holes", leaves([3, 0, 1], width=width, dtype=dtype), one(width, dtype))
    # 512 numbers of 8 bytes are more than a program holds.
    assert len(fused) == (width != 257 or dtype != torch.float64)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("heads", "width"), [(2, 64), (1, 63), (1, 1028)])
def test_what_a_program_does_not_hold_takes_two_reads(
    heads: int, width: int, dtype: torch.dtype, fused: list[int]
) -> None:
    query = (torch.randn(heads, width, dtype=dtype) / math.sqrt(width)).requires_grad_()
    check("holes", leaves([3, 0, 1], width=width, dtype=dtype), query)
    assert fused == []


@BOTH
@pytest.mark.parametrize("layout", A_KIND_EACH)
def test_a_giant_beside_short_ones(layout: str, own: bool) -> None:
    lengths = [70, 3, 9, 1] if layout == "packed" else [0, 70, 0, 3]
    assert max(lengths) > 2 * scored_tiles.SMALL_SHARE
    ragged = leaves(lengths, width=WIDTH, dtype=torch.float32)
    check(layout, ragged, one(WIDTH, torch.float32, len(lengths) if own else None))


@pytest.mark.parametrize("turn", [lambda x: x.mT.contiguous().mT, lambda x: x[:1, :1, :1].expand_as(x)])
def test_a_cotangent_in_any_order(turn: Callable[[Tensor], Tensor]) -> None:
    ragged, query = leaves([5, 2], width=WIDTH), one(WIDTH, torch.float64)
    cotangent = turn(torch.randn(2, 1, WIDTH, dtype=torch.float64))
    for mine, wanted in zip(
        pooled("triton", "right", ragged, query, cotangent), exact(ragged, query, cotangent), strict=True
    ):
        torch.testing.assert_close(mine, wanted)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy, which the interpreter computes with, warns of inf - inf
@pytest.mark.parametrize("poison", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("layout", A_KIND_EACH)
def test_what_is_not_finite_is_as_in_the_reference(layout: str, poison: float) -> None:
    ragged, query = leaves([5, 3, 2], width=WIDTH), one(WIDTH, torch.float64)
    with torch.no_grad():
        ragged[0][1, 0] = poison
    cotangent = torch.randn(3, 1, WIDTH, dtype=torch.float64)
    mine, wanted = (pooled(name, layout, ragged, query, cotangent) for name in ("triton", "reference"))
    torch.testing.assert_close(mine, wanted, equal_nan=True)


@BOTH
@pytest.mark.parametrize("layout", ["right", "holes", "time_major", "flat", "packed"])
def test_differentiates_twice(layout: str, own: bool) -> None:
    ragged, query = leaves([4, 2, 1], width=WIDTH), one(WIDTH, torch.float64, 3 if own else None)

    def gradient_of_gradient(name: Backend) -> list[Tensor]:
        with ops.backend(name):
            laid = lay(layout, ragged)
            squares = ops.attend_by(laid.view(), laid.rows(), query).square().sum()
            first = torch.autograd.grad(squares, [ragged[0], query], create_graph=True)
            return list(torch.autograd.grad(torch.stack([x.square().sum() for x in first]).sum(), [*ragged, query]))

    for mine, theirs in zip(gradient_of_gradient("triton"), gradient_of_gradient("reference"), strict=True):
        torch.testing.assert_close(mine, theirs)


def test_the_operator_is_sound() -> None:
    """Schema, fake shapes, gradients and ahead-of-time graphs."""
    x, query = torch.randn(3, 5, WIDTH, requires_grad=True), one(WIDTH, torch.float32)
    seq = seqpool.view(x.detach(), lengths=[3, 0, 5])
    address = seq.start, seq.lengths, None, None, None, None, 1
    torch.library.opcheck(torch.ops.seqpool.segment_attend_by.default, (x, query, *address, torch.float32))


def test_one_graph_for_all_sizes() -> None:
    graphs: list[bool] = []

    def look(graph: torch.fx.GraphModule, _: list[Tensor]) -> torch.fx.GraphModule:
        graphs.append(any("segment_attend_by" in str(node.target) for node in graph.graph.nodes))
        return graph

    pooler = seqpool.AttentionPooler(WIDTH)
    compiled = torch.compile(pooler, fullgraph=True, dynamic=True, backend=look)
    with ops.backend("triton"):
        for batch, steps in ((2, 3), (3, 5)):
            x, lengths = torch.randn(batch, steps, WIDTH), torch.arange(1, batch + 1)
            torch.testing.assert_close(compiled(x, lengths=lengths), pooler(x, lengths=lengths))
    assert graphs == [True]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_autocast_takes_steps_of_either_dtype(dtype: torch.dtype, fused: list[int]) -> None:
    pooler, x = seqpool.AttentionPooler(WIDTH), torch.randn(2, 3, WIDTH, dtype=dtype, requires_grad=True)
    with ops.backend("triton"), torch.autocast("cpu", dtype=torch.bfloat16):
        result = pooler(x, lengths=[3, 1])
    result.sum().backward()
    assert result.dtype == dtype
    assert pooler.score.weight.grad is not None
    assert pooler.score.weight.grad.dtype == torch.float32
    assert fused == [1]


@pytest.mark.parametrize("layout", A_KIND_EACH)
def test_weights_sum_to_what_is_pooled(layout: str, fused: list[int]) -> None:
    """They come from scores of their own, outside the fused kernels."""
    pooler = seqpool.AttentionPooler(WIDTH).double()
    laid = lay(layout, [x.detach() for x in leaves([4, 2, 1], width=WIDTH)])
    with ops.backend("triton"):
        pooled = pooler(laid.output, **laid.given)
        other, _ = pooler(laid.output, **laid.given, return_weights=True)
    assert fused == [1]
    torch.testing.assert_close(pooled, other)
