"""`mean`, and `total` rounded to the dtype that is asked for: added up wide, rounded once."""

import pytest
import torch
from torch import Tensor

from seqpool import ops
from tests.layouts import LAYOUTS, cases
from tests.verb_cases import BAGS, BATCHES, assert_same, force_bags, lay, leaves, loop, table

HALF = [torch.bfloat16, torch.float16]
every_half = pytest.mark.parametrize("dtype", HALF)
every_layout = pytest.mark.parametrize("layout", LAYOUTS)


@pytest.fixture(params=BAGS, autouse=True)
def form(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    force_bags(monkeypatch, request.param)


def mean(layout: str, ragged: list[Tensor]) -> Tensor:
    laid = lay(layout, ragged)
    return ops.mean(laid.view(), laid.rows())


@pytest.mark.parametrize(("layout", "lengths"), cases(*BATCHES))
def test_mean_is_the_average_of_each_sequence(layout: str, lengths: tuple[int, ...]) -> None:
    ragged = leaves(lengths)
    assert_same(mean(layout, ragged), loop(lambda x: x.mean(0), ragged), ragged)


@every_layout
@pytest.mark.parametrize("dtype", [*HALF, torch.float32, torch.float64])
def test_mean_and_its_gradient_in_every_dtype(layout: str, dtype: torch.dtype) -> None:
    ragged = leaves([40, 9, 2], dtype=dtype)
    averaged = mean(layout, ragged)
    assert averaged.dtype == torch.promote_types(dtype, torch.float32)
    wanted = loop(lambda x: x.double().mean(0), ragged).to(averaged.dtype)
    assert_same(averaged, wanted, ragged)


@every_layout
@every_half
def test_half_types_are_rounded_once(layout: str, dtype: torch.dtype) -> None:
    """Sums of these are exact in float32; in half types they would stop at 256 or pass the largest number."""
    ragged = [torch.ones(259, 1, dtype=dtype), torch.full((90, 1), 1024.0, dtype=dtype)]
    laid = lay(layout, ragged)
    summed = ops.total(laid.view(), laid.rows(), dtype)
    wanted = torch.tensor([[259.0], [92160.0]]).to(dtype)
    assert torch.equal(summed, wanted)
    assert torch.equal(mean(layout, ragged).to(dtype), torch.tensor([[1.0], [1024.0]], dtype=dtype))


@every_layout
@every_half
def test_the_gradient_of_what_was_rounded(layout: str, dtype: torch.dtype) -> None:
    ragged = leaves([7, 3, 2], dtype=dtype)
    laid = lay(layout, ragged)
    assert_same(mean(layout, ragged).to(dtype), loop(lambda x: x.mean(0), ragged), ragged)
    assert_same(ops.total(laid.view(), laid.rows(), dtype), loop(lambda x: x.sum(0), ragged), ragged)


@every_layout
@pytest.mark.parametrize("dtype", [*HALF, torch.float32])
def test_the_mean_of_a_constant_is_the_constant(layout: str, dtype: torch.dtype) -> None:
    """A sum times the reciprocal of 49 would miss 1."""
    assert mean(layout, [torch.ones(49, 2, dtype=dtype), torch.ones(3, 2, dtype=dtype)]).tolist() == [[1.0] * 2] * 2


@every_layout
def test_mean_differentiates_twice(layout: str) -> None:
    laid = lay(layout, leaves([3, 2, 1], width=2))
    seq = laid.view()
    assert torch.autograd.gradcheck(lambda rows: ops.mean(seq, rows).pow(3), table(laid), fast_mode=True)
    assert torch.autograd.gradgradcheck(lambda rows: ops.mean(seq, rows).pow(3), table(laid), fast_mode=True)


@every_half
def test_kernels_round_once_as_well(dtype: torch.dtype) -> None:
    laid = lay("flat", [torch.ones(259, 1, dtype=dtype), torch.full((90, 1), 1024.0, dtype=dtype)])
    with ops.backend("triton"):
        summed = ops.total(laid.view(), laid.rows(), dtype)
        averaged = ops.mean(laid.view(), laid.rows()).to(dtype)
    assert torch.equal(summed, torch.tensor([[259.0], [92160.0]]).to(dtype))
    assert torch.equal(averaged, torch.tensor([[1.0], [1024.0]], dtype=dtype))
