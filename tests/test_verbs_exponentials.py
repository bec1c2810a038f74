"""`log_mean_exp` and `soft_peak`: smooth maxima, a sequence at a time and in one dense pass."""

import math

import pytest
import torch
from torch import Tensor

from seqpool import ops
from tests.layouts import LAYOUTS, cases
from tests.verb_cases import BATCHES, TWICE, assert_same, assert_twice_same, force, lay, leaves, loop

VERBS = ["log_mean_exp", "soft_peak"]


@pytest.fixture(params=["dense", "slices"], autouse=True)
def form(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    force(monkeypatch, request.param)


def pooled(verb: str, layout: str, ragged: list[Tensor], temperature: Tensor | float = 0.7) -> Tensor:
    laid = lay(layout, ragged)
    if verb == "soft_peak":
        return ops.soft_peak(laid.view(), laid.rows(), temperature)
    return ops.log_mean_exp(laid.view(), laid.rows())


def oracle(verb: str, ragged: list[Tensor], temperature: Tensor | float = 0.7) -> Tensor:
    def one(x: Tensor) -> Tensor:
        if verb == "log_mean_exp":
            return x.logsumexp(0) - math.log(x.shape[0])
        mass = (x / temperature).exp()
        return (mass * x).sum(0) / mass.sum(0)

    return loop(one, ragged)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(("layout", "lengths"), cases(*BATCHES, [4, 4]))
def test_values_and_gradients_are_each_sequences_own(layout: str, lengths: tuple[int, ...], verb: str) -> None:
    ragged = leaves(lengths)
    assert_same(pooled(verb, layout, ragged), oracle(verb, ragged), ragged)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_temperature_learns(layout: str) -> None:
    ragged, temperature = leaves([3, 2, 1]), torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    mine, theirs = pooled("soft_peak", layout, ragged, temperature), oracle("soft_peak", ragged, temperature)
    assert_same(mine, theirs, [*ragged, temperature])


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("layout", TWICE)
def test_second_derivatives_are_each_sequences_own(layout: str, verb: str) -> None:
    ragged = leaves([3, 2, 1])
    assert_twice_same(pooled(verb, layout, ragged), oracle(verb, ragged), ragged)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_types_accumulate_in_float32(layout: str, dtype: torch.dtype, verb: str) -> None:
    ragged = leaves([300, 4, 2], dtype=dtype)
    values = pooled(verb, layout, ragged)
    assert values.dtype == torch.float32
    exact = oracle(verb, [x.detach().double() for x in ragged])
    torch.testing.assert_close(values, exact.float(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_logarithm_meets_infinite_steps(layout: str) -> None:
    inf = math.inf
    ragged = [torch.tensor([[inf, -inf, -inf], [0.0, 0.0, -inf]], dtype=torch.float64), torch.zeros(1, 3).double()]
    found = pooled("log_mean_exp", layout, ragged)
    wanted = torch.tensor([[inf, -math.log(2), -inf], [0, 0, 0]], dtype=torch.float64)
    torch.testing.assert_close(found, wanted)
