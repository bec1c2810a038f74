"""`variation`: means and squared deviations, by slices, by steps and in one dense pass."""

import pytest
import torch
from torch import Tensor

from seqpool import ops
from tests.layouts import LAYOUTS, cases
from tests.verb_cases import FORMS, assert_same, force, lay, leaves, loop, table


@pytest.fixture(params=FORMS, autouse=True)
def form(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    force(monkeypatch, request.param)


def variation(layout: str, ragged: list[Tensor]) -> Tensor:
    laid = lay(layout, ragged)
    return torch.cat(ops.variation(laid.view(), laid.rows()), 1)


def textbook(x: Tensor) -> Tensor:
    mean = x.mean(0)
    return torch.cat([mean, (x - mean).square().sum(0)])


def oracle(ragged: list[Tensor]) -> Tensor:
    width = 2 * ragged[0].shape[1]
    return torch.stack([textbook(x) if x.shape[0] else x.new_zeros(width) for x in ragged])


@pytest.mark.parametrize(("layout", "lengths"), cases([5, 3, 3, 1], [4, 0, 1, 0], [0, 0]))
def test_mean_and_squares_of_each_sequence(layout: str, lengths: tuple[int, ...]) -> None:
    ragged = leaves(lengths, width=3)
    wanted = oracle(ragged) if any(lengths) else loop(lambda x: x[0], [x.repeat(1, 2) for x in ragged])
    assert_same(variation(layout, ragged), wanted, ragged)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_types_accumulate_in_float32(layout: str, dtype: torch.dtype) -> None:
    ragged = leaves([300, 4, 2], width=3, dtype=dtype)
    pooled = variation(layout, ragged)
    assert pooled.dtype == torch.float32
    exact = [x.detach().double().requires_grad_() for x in ragged]
    torch.testing.assert_close(pooled, oracle(exact).float(), rtol=1e-4, atol=1e-4)
    gradients = torch.autograd.grad(pooled.sum(), ragged)
    wanted = torch.autograd.grad(oracle(exact).sum(), exact)
    for mine, theirs in zip(gradients, wanted, strict=True):
        torch.testing.assert_close(mine, theirs.to(dtype), rtol=0.02, atol=8 * torch.finfo(dtype).eps)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_variation_differentiates_twice(layout: str) -> None:
    laid = lay(layout, leaves([3, 2, 1], width=3))
    seq = laid.view()

    def run(rows: Tensor) -> Tensor:
        return torch.cat(ops.variation(seq, rows), 1).pow(3)

    assert torch.autograd.gradgradcheck(run, table(laid), fast_mode=True)


@pytest.mark.parametrize("layout", [layout for layout in LAYOUTS if layout not in ("jagged", "narrowed")])
def test_second_gradients_see_no_padding(layout: str) -> None:
    """Padding is NaN here; torch itself cannot differentiate twice through nested tensors."""
    ragged = leaves([4, 2, 1], width=3)

    def bent(pooled: Tensor) -> list[Tensor]:
        first = torch.autograd.grad(pooled.pow(3).sum(), ragged, create_graph=True)
        return list(torch.autograd.grad(torch.cat(first).square().sum(), ragged))

    for mine, theirs in zip(bent(variation(layout, ragged)), bent(oracle(ragged)), strict=True):
        torch.testing.assert_close(mine, theirs)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_large_mean_costs_no_digits(layout: str) -> None:
    """Steps that differ by less than their mean is rounded by."""
    ragged = [(8192 + 2**-10 * torch.randint(0, 2, (n, 3))).float().requires_grad_() for n in (900, 70, 3)]
    exact = [x.detach().double().requires_grad_() for x in ragged]
    squares, wanted = variation(layout, ragged)[:, 3:], oracle(exact)[:, 3:]
    torch.testing.assert_close(squares.double(), wanted, rtol=1e-3, atol=0)
    for mine, theirs in zip(
        torch.autograd.grad(squares.sum(), ragged), torch.autograd.grad(wanted.sum(), exact), strict=True
    ):
        torch.testing.assert_close(mine.double(), theirs, rtol=1e-3, atol=1e-6)
