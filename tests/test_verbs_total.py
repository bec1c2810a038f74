"""`total`: a sum over the real steps, in one pass and in the accumulator's dtype."""

import pytest
import torch
from torch import Tensor

import seqpool
from seqpool import ops
from tests.layouts import LAYOUTS, cases, holds
from tests.verb_cases import BAGS, BATCHES, assert_same, force_bags, lay, leaves, loop, table

NAN, INF = float("nan"), float("inf")


@pytest.fixture(params=BAGS, autouse=True)
def form(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    force_bags(monkeypatch, request.param)


def total(layout: str, ragged: list[Tensor]) -> Tensor:
    laid = lay(layout, ragged)
    return ops.total(laid.view(), laid.rows())


@pytest.mark.parametrize(("layout", "lengths"), cases(*BATCHES))
def test_total_is_the_sum_of_each_sequence(layout: str, lengths: tuple[int, ...]) -> None:
    ragged = leaves(lengths)
    assert_same(total(layout, ragged), loop(lambda x: x.sum(0), ragged), ragged)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_total_of_rows_of_another_width(layout: str) -> None:
    laid = lay(layout, leaves([3, 2, 1]))
    wide = leaves([3, 2, 1], width=5)
    assert_same(ops.total(laid.view(), lay(layout, wide).rows()), loop(lambda x: x.sum(0), wide), wide)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_types_sum_in_float32(layout: str, dtype: torch.dtype) -> None:
    """4096 ones in bfloat16 would stop at 256, and 70,000 do not fit float16."""
    ragged = [torch.ones(4096, 1, dtype=dtype), torch.full((7, 1), 1e4, dtype=dtype), torch.ones(0, 1, dtype=dtype)]
    summed = total(layout, ragged if holds(layout, [4096, 7, 0]) else ragged[:2])
    assert summed.dtype == torch.float32
    assert summed[:2].tolist() == [[4096.0], [torch.tensor(1e4, dtype=dtype).item() * 7]]
    assert not summed[2:].any()


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_total_and_its_gradient_in_every_dtype(layout: str, dtype: torch.dtype) -> None:
    ragged = leaves([40, 9, 2], dtype=dtype)
    summed = total(layout, ragged)
    assert summed.dtype == torch.promote_types(dtype, torch.float32)
    wanted = loop(lambda x: x.double().sum(0), ragged).to(summed.dtype)
    assert_same(summed, wanted, ragged)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("poison", [NAN, INF, -INF])
def test_a_poisoned_sequence_poisons_no_other(layout: str, poison: float) -> None:
    ragged = [torch.ones(n, 2) for n in (3, 3, 2)]
    ragged[1][1, 0] = poison
    summed = total(layout, ragged)
    assert summed[[0, 2]].tolist() == [[3.0, 3.0], [2.0, 2.0]]
    torch.testing.assert_close(summed[1], torch.tensor([poison, 3.0]), equal_nan=True)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_huge_neighbour_costs_no_digits(layout: str) -> None:
    """A difference of cumulative sums would give 0 for the small ones."""
    ragged = [torch.full((2, 1), 1e12), torch.full((2, 1), 1e-3), torch.full((1, 1), 1e-3)]
    assert torch.equal(total(layout, ragged), torch.tensor([[2e12], [2e-3], [1e-3]]))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_total_differentiates_twice(layout: str) -> None:
    laid = lay(layout, leaves([3, 2, 1], width=2))
    seq = laid.view()
    assert torch.autograd.gradcheck(lambda rows: ops.total(seq, rows).pow(3), table(laid), fast_mode=True)
    assert torch.autograd.gradgradcheck(lambda rows: ops.total(seq, rows).pow(3), table(laid), fast_mode=True)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_two_runs_are_equal_bit_for_bit(layout: str) -> None:
    ragged = leaves([50, 20, 3], width=7, dtype=torch.float32)
    runs = [total(layout, ragged) for _ in range(2)]
    assert torch.equal(*runs)
    gradients = [torch.cat(torch.autograd.grad(run.square().sum(), ragged)) for run in runs]
    assert torch.equal(*gradients)


@pytest.mark.parametrize("layout", ["right", "left", "holes", "time_major", "every_second", "narrowed"])
@pytest.mark.parametrize("verb", [ops.total, ops.peak])
def test_the_gradient_on_padding_is_exactly_zero(layout: str, verb: object) -> None:
    laid = lay(layout, [torch.randn(n, 3) for n in (3, 2, 1)])
    rows = laid.rows().detach().requires_grad_()
    assert callable(verb)
    (gradient,) = torch.autograd.grad(verb(laid.view(), rows).sum(), rows)
    padding = laid.rows().isnan().any(-1)
    assert padding.any()
    assert torch.equal(gradient[padding], torch.zeros_like(gradient[padding]))
    assert gradient.sum() == (18 if verb is ops.total else 9)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_the_accumulator(dtype: torch.dtype) -> None:
    assert ops.accumulator(dtype) == (torch.float64 if dtype == torch.float64 else torch.float32)


def test_a_sum_of_overlapping_windows_counts_each_reading() -> None:
    x = torch.arange(6.0, requires_grad=True)
    windows = x.unfold(0, 2, 1).unsqueeze(0)  # (1, 5, 2), rows share memory
    summed = ops.total(seqpool.view(windows, lengths=[3]), windows)
    assert summed.tolist() == [[3.0, 6.0]]
    assert torch.autograd.grad(summed.sum(), x)[0].tolist() == [1, 2, 2, 1, 0, 0]
