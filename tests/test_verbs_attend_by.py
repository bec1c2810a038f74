"""`attend_by`: a softmax of products with a query, against each sequence alone, on every path of the CPU."""

import math

import pytest
import torch
from torch import Tensor

import seqpool
from seqpool import ops
from seqpool.ops import queries
from tests.layouts import LAYOUTS, cases
from tests.verb_cases import BATCHES, TWICE, assert_same, assert_twice_same, force, lay, leaves

WIDTHS = [3, 5500]  # wide rows go by slices, where they are several queries, not padded, or mostly padding
QUERIES = [(1, False), (3, False), (1, True), (2, True)]
"""How many, and whether each sequence has its own."""


def query_for(batch: int, width: int, heads: int, *, own: bool) -> Tensor:
    shape = (batch, heads, width) if own else (heads, width)
    return torch.randn(shape, dtype=torch.float64).div_(math.sqrt(width)).requires_grad_()


def alone(x: Tensor, query: Tensor) -> Tensor:
    if x.shape[0] == 0:
        return (x.sum() + query.sum()) * 0 + torch.zeros_like(query)
    return (x @ query.T).softmax(0).T @ x


def loop(ragged: list[Tensor], query: Tensor) -> Tensor:
    return torch.stack([alone(x, query if query.ndim == 2 else query[b]) for b, x in enumerate(ragged)])


def attend_by(layout: str, ragged: list[Tensor], query: Tensor) -> Tensor:
    laid = lay(layout, ragged)
    return ops.attend_by(laid.view(), laid.rows(), query)


@pytest.mark.parametrize(("heads", "own"), QUERIES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(("layout", "lengths"), cases(*BATCHES))
def test_values_and_gradients_are_each_sequences_own(
    layout: str, lengths: tuple[int, ...], width: int, heads: int, own: bool
) -> None:
    ragged = leaves(lengths, width=width)
    query = query_for(len(lengths), width, heads, own=own)
    assert_same(attend_by(layout, ragged, query), loop(ragged, query), [*ragged, query])


@pytest.mark.parametrize("layout", LAYOUTS)
def test_long_sequences_are_read_once(layout: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forced, for they are of four million numbers."""
    force(monkeypatch, "slices")
    ragged, query = leaves([3, 2, 1]), query_for(3, 3, 1, own=False)
    assert_same(attend_by(layout, ragged, query), loop(ragged, query), [*ragged, query])


@pytest.mark.parametrize(("heads", "own"), QUERIES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("layout", TWICE)
def test_second_derivatives_are_each_sequences_own(layout: str, width: int, heads: int, own: bool) -> None:
    ragged, query = leaves([3, 2, 1], width=width), query_for(3, width, heads, own=own)
    assert_twice_same(attend_by(layout, ragged, query), loop(ragged, query), [*ragged, query])


@pytest.mark.parametrize(("heads", "own"), QUERIES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("layout", ["right", "holes", "flat", "packed", "time_major"])
def test_batched_gradients(layout: str, width: int, heads: int, own: bool) -> None:
    ragged, query = leaves([3, 2, 1], width=width), query_for(3, width, heads, own=own)
    pooled = attend_by(layout, ragged, query)
    inputs, cotangents = [*ragged, query], torch.randn(2, *pooled.shape, dtype=pooled.dtype)
    batched = torch.autograd.grad(pooled, inputs, cotangents, is_grads_batched=True, retain_graph=True)
    each = [torch.autograd.grad(pooled, inputs, cotangent, retain_graph=True) for cotangent in cotangents]
    for mine, theirs in zip(batched, zip(*each, strict=True), strict=True):
        torch.testing.assert_close(mine, torch.stack(theirs))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_types_accumulate_in_float32(layout: str, dtype: torch.dtype, width: int) -> None:
    ragged = leaves([60, 5, 3], width=width, dtype=dtype)
    query = query_for(3, width, 1, own=False).detach().to(dtype).requires_grad_()
    pooled = attend_by(layout, ragged, query)
    assert pooled.dtype == torch.float32
    wanted = loop([x.double() for x in ragged], query.double())
    torch.testing.assert_close(pooled, wanted.float(), rtol=1e-4, atol=1e-4)
    cotangent = torch.randn_like(pooled)
    mine = torch.autograd.grad(pooled, [*ragged, query], cotangent)
    theirs = torch.autograd.grad(wanted, [*ragged, query], cotangent.double())
    for a, b in zip(mine, theirs, strict=True):
        assert a.dtype == dtype
        torch.testing.assert_close(a, b, rtol=0.05, atol=0.02)


@pytest.mark.parametrize("heads", [1, 3])
@pytest.mark.parametrize(("layout", "lengths"), cases(*BATCHES))
def test_large_batches_leave_padding_out_before_they_are_made_wide(
    layout: str, lengths: tuple[int, ...], heads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forced, for they are of two million numbers; float32 beside a query of float64 is made wide as half types are."""
    monkeypatch.setattr(queries, "MANY", 0)
    ragged, query = leaves(lengths, dtype=torch.float32), query_for(len(lengths), 3, heads, own=False)
    pooled, wanted = attend_by(layout, ragged, query), loop([x.double() for x in ragged], query)
    assert_same(pooled, wanted, [*ragged, query])
    if layout in TWICE and lengths == (3, 1, 2):
        assert_twice_same(pooled, wanted, [*ragged, query])


def test_kernels_refuse_what_the_reference_refuses() -> None:
    with ops.backend("triton"):
        for x in (torch.randn(2, 3, 64, dtype=torch.bfloat16), torch.randn(2, 3, 65)):
            with pytest.raises(RuntimeError, match=r"dtype|shapes cannot be multiplied"):
                seqpool.AttentionPooler(64)(x, lengths=[3, 1])
