"""Kernels in Triton's interpreter equal the reference: values and gradients, in every layout and dtype."""

import pytest
import torch
from torch import Tensor

from seqpool import ops
from seqpool.ops.choice import Backend
from seqpool.ops.triton import address
from tests.kernel_cases import VERBS, check, check_against_double, every_verb, pooled
from tests.layouts import LAYOUTS, cases
from tests.verb_cases import lay, leaves

CASES = [*cases([0, 35, 3, 0, 1]), *(case for case in cases([35, 3, 3, 1]) if case[0].startswith("packed"))]


@pytest.fixture
def _short_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two stages at sizes that the interpreter gets through."""
    monkeypatch.setattr(address, "LONG", 8)
    monkeypatch.setattr(address, "CHUNK", 4)


@every_verb
@pytest.mark.parametrize(("layout", "lengths"), CASES)
def test_every_layout(layout: str, lengths: tuple[int, ...], verb: str) -> None:
    check(verb, layout, leaves(lengths, dtype=torch.float32))


@pytest.mark.parametrize("verb", ["total", "largest", "smallest"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_dtype(layout: str, dtype: torch.dtype, verb: str) -> None:
    check(verb, layout, leaves([4, 2, 1], dtype=dtype))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_attention_of_every_dtype(layout: str, dtype: torch.dtype) -> None:
    """As good as the gradients' own rounding lets it be, beside the reference in double precision."""

    def run(name: Backend, scores: list[Tensor], rows: list[Tensor]) -> list[Tensor]:
        with ops.backend(name):
            seq = lay(layout, rows).view()
            score = ops.select(seq, lay(layout, scores).rows())
            averages, weights = ops.attend(seq, score, ops.select(seq, lay(layout, rows).rows()))
            return [averages, weights, *torch.autograd.grad(averages.sum() + weights.square().sum(), scores + rows)]

    scores, rows = leaves([4, 2, 1], width=2, dtype=dtype), leaves([4, 2, 1], dtype=dtype)
    exact = run(
        "reference",
        [x.detach().double().requires_grad_() for x in scores],
        [x.detach().double().requires_grad_() for x in rows],
    )
    for mine, theirs in zip(run("triton", scores, rows), exact, strict=True):
        torch.testing.assert_close(
            mine, theirs.to(mine.dtype), atol=4 * torch.finfo(dtype).eps, rtol=2 * torch.finfo(dtype).eps ** 0.9
        )


@every_verb
@pytest.mark.parametrize("width", [1, 66])
@pytest.mark.parametrize("layout", ["holes", "packed"])
def test_odd_widths(layout: str, width: int, verb: str) -> None:
    check(verb, layout, leaves([9, 2, 1], width=width, dtype=torch.float32))


@pytest.mark.parametrize("verb", ["log_mean_exp", "variation"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("layout", ["holes", "narrowed", "packed"])
def test_exponentials_and_deviations_of_every_dtype(layout: str, dtype: torch.dtype, verb: str) -> None:
    check_against_double(verb, layout, leaves([4, 2, 1], dtype=dtype))


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb != "attend, heads"])
@pytest.mark.usefixtures("_short_is_long")
@pytest.mark.parametrize(
    "layout",
    [
        "holes",
        "narrowed",
        "packed",
        *(pytest.param(name, marks=pytest.mark.full) for name in ("left", "time_major", "flat")),
    ],
)
def test_a_giant_beside_short_ones(layout: str, verb: str) -> None:
    check(verb, layout, leaves([35, 3, 9, 1] if layout == "packed" else [0, 35, 0, 3, 9, 0]))


@pytest.mark.parametrize("layout", ["holes", "packed"])
def test_a_giant_as_long_as_users_have(layout: str) -> None:
    check("total", layout, leaves([address.LONG + 6, 3, 1]))


@every_verb
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy, which the interpreter computes with, warns of inf - inf
@pytest.mark.parametrize("layout", ["holes", "time_major", "flat", "packed"])
def test_ties_and_what_is_not_finite(layout: str, verb: str) -> None:
    """A feature each: the first of equal steps takes the maximum, NaN passes through."""
    level = torch.tensor([float("nan"), float("-inf"), float("inf"), 0.0])
    ragged = leaves([5, 3, 2], width=4, dtype=torch.float32)
    with torch.no_grad():
        ragged[0][1:4:2] = level
        ragged[1][:] = level
    check(verb, layout, ragged)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("layout", ["right", "flat", "packed"])
def test_half_types_sum_in_float32(layout: str, dtype: torch.dtype) -> None:
    laid = lay(layout, [torch.ones(4096, 1, dtype=dtype), torch.ones(3, 1, dtype=dtype)])
    with ops.backend("triton"):
        assert ops.total(laid.view(), laid.rows()).tolist() == [[4096.0], [3.0]]


@every_verb
@pytest.mark.parametrize("layout", ["right", "holes", "time_major", "flat", "packed"])
def test_differentiates_twice(layout: str, verb: str) -> None:
    def gradient_of_gradient(name: Backend) -> list[Tensor]:
        with ops.backend(name):
            laid = lay(layout, ragged)
            (grad,) = torch.autograd.grad(
                VERBS[verb](laid.view(), laid.rows()).square().sum(), ragged[0], create_graph=True
            )
            return list(torch.autograd.grad(grad.sum(), ragged))

    ragged = leaves([4, 2, 1])
    for mine, theirs in zip(gradient_of_gradient("triton"), gradient_of_gradient("reference"), strict=True):
        torch.testing.assert_close(mine, theirs)


@pytest.mark.parametrize("lengths", [[9, 2, 1], [2000, 3, 1]])  # in one stage and in two
def test_a_high_level_costs_the_deviations_no_digits(lengths: list[int]) -> None:
    """In single precision, beside the reference in double precision: 1000 is 1e5 times the deviations."""
    ragged = [1000 + 0.01 * x.detach() for x in leaves(lengths, width=2, dtype=torch.float32)]
    kernels = pooled("triton", "variation", "flat", [x.clone().requires_grad_() for x in ragged])
    exact = pooled("reference", "variation", "flat", [x.double().requires_grad_() for x in ragged])
    for mine, theirs in zip(kernels, exact, strict=True):
        torch.testing.assert_close(mine, theirs.float(), rtol=1e-5, atol=1e-7)
