"""`peak`: the first largest or smallest real step of each feature, NaN included, on each way of the CPU."""

import pytest
import torch
from torch import Tensor

from seqpool import ops
from seqpool.ops import firsts, peaks
from tests.layouts import LAYOUTS, cases
from tests.verb_cases import FORMS, TWICE, assert_same, force, lay, leaves, loop, table

NAN, INF = float("nan"), float("inf")


@pytest.fixture(params=[*FORMS, "table"], autouse=True)
def form(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    force(monkeypatch, request.param)


def peak(layout: str, ragged: list[Tensor], *, largest: bool = True) -> Tensor:
    laid = lay(layout, ragged)
    return ops.peak(laid.view(), laid.rows(), largest=largest)


def first(x: Tensor, *, largest: bool = True) -> Tensor:
    return (x.max(0) if largest else x.min(0)).values


@pytest.mark.parametrize("largest", [True, False])
@pytest.mark.parametrize(("layout", "lengths"), cases([5, 3, 3, 1], [4, 0, 1, 0], [0, 0]))
def test_peak_is_the_extreme_of_each_sequence(layout: str, lengths: tuple[int, ...], largest: bool) -> None:
    ragged = leaves(lengths, width=3, dtype=torch.float32)
    wanted = loop(lambda x: first(x, largest=largest), ragged)
    assert_same(peak(layout, ragged, largest=largest), wanted, ragged, exact=True)


@pytest.mark.parametrize("largest", [True, False])
def test_many_sequences_a_step_of_a_packed_batch(largest: bool) -> None:
    ragged = leaves([2, 4, *[3] * 80, 1], dtype=torch.float32)
    wanted = loop(lambda x: first(x, largest=largest), ragged)
    assert_same(peak("packed", ragged, largest=largest), wanted, ragged, exact=True)


@pytest.mark.parametrize("largest", [True, False])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_ties_go_to_the_first_step(layout: str, largest: bool) -> None:
    """Three values for many steps, so that most extremes are tied."""
    ragged = [torch.randint(-1, 2, (n, 3)).double().requires_grad_() for n in (9, 6, 4)]
    wanted = loop(lambda x: first(x, largest=largest), ragged)
    assert_same(peak(layout, ragged, largest=largest), wanted, ragged, exact=True)


@pytest.mark.parametrize("largest", [True, False])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("poison", [NAN, INF, -INF])
def test_nan_and_inf_are_values(layout: str, poison: float, largest: bool) -> None:
    """As `x.max(0)`: the first NaN wins; all -inf stays -inf."""
    ragged = leaves([5, 4, 2], width=3)
    with torch.no_grad():
        ragged[0][1:4, 0] = poison
        ragged[1][:, 1] = poison
        ragged[2][1, 2] = poison
    wanted = loop(lambda x: first(x, largest=largest), ragged)
    assert_same(peak(layout, ragged, largest=largest), wanted, ragged, exact=True)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("value", "largest"), [(-INF, True), (INF, False)])
def test_a_sequence_of_infinities_stays_infinite(layout: str, value: float, largest: bool) -> None:
    ragged = [torch.full((n, 3), value, requires_grad=True) for n in (3, 2, 1)]
    pooled = peak(layout, ragged, largest=largest)
    assert (pooled == value).all()
    for x, gradient in zip(ragged, torch.autograd.grad(pooled.sum(), ragged), strict=True):
        assert torch.equal(gradient, torch.eye(x.shape[0], 1).expand_as(x))  # the first step


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_peak_keeps_the_dtype(layout: str, dtype: torch.dtype) -> None:
    ragged = leaves([5, 2, 2], width=3, dtype=dtype)
    pooled = peak(layout, ragged)
    assert pooled.dtype == dtype
    assert_same(pooled, loop(first, ragged), ragged, exact=True)


@pytest.mark.parametrize("layout", [layout for layout in LAYOUTS if not layout.startswith("packed")])
@pytest.mark.parametrize("largest", [True, False])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_an_empty_sequence_takes_no_ones_gradient(layout: str, dtype: torch.dtype, largest: bool) -> None:
    """Its clamped place is a real row of a neighbour, where it must add 0."""
    ragged = leaves([2, 0, 0], width=2, dtype=dtype) + leaves([3, 0], width=2, dtype=dtype)
    wanted = loop(lambda x: first(x, largest=largest), ragged)
    assert_same(peak(layout, ragged, largest=largest), wanted, ragged, exact=True)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_peak_differentiates_twice(layout: str) -> None:
    """Piecewise linear: its own second derivative is 0, that of its cube is not."""
    laid = lay(layout, leaves([3, 2, 1], width=3))
    seq = laid.view()
    assert torch.autograd.gradgradcheck(lambda rows: ops.peak(seq, rows).pow(3), table(laid), fast_mode=True)


@pytest.mark.parametrize("largest", [True, False])
@pytest.mark.parametrize(("layout", "lengths"), cases([5, 3, 3, 1], [4, 0, 1, 0], [0, 0]))
def test_without_a_gradient_nobody_looks_for_its_place(
    layout: str, lengths: tuple[int, ...], largest: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    ragged = leaves(lengths, width=3)
    with torch.no_grad():
        for x in ragged:
            x[1:2, 1], x[:, 2:] = NAN, -INF if largest else INF
        wanted = loop(lambda x: first(x, largest=largest), ragged).nan_to_num(7, posinf=INF, neginf=-INF)
        monkeypatch.delattr(peaks, "_first_hit")
        monkeypatch.delattr(firsts, "place")
        found = peak(layout, ragged, largest=largest)
    assert torch.equal(found.nan_to_num(7, posinf=INF, neginf=-INF), wanted)


@pytest.mark.parametrize("layout", TWICE)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_types_differentiate_twice_and_many_at_once(layout: str, dtype: torch.dtype) -> None:
    """The gradient is linear in the result's: what comes back of it is the direction at the extreme step."""
    ragged = leaves([3, 2, 1], dtype=dtype)
    pooled = peak(layout, ragged)
    cotangents = torch.randn(2, *pooled.shape, dtype=dtype, requires_grad=True)
    slopes = torch.autograd.grad(pooled, ragged, cotangents[0], create_graph=True)
    directions = [torch.randn_like(x) for x in ragged]
    (back,) = torch.autograd.grad(slopes, cotangents, directions)
    wanted = [d.gather(0, x.argmax(0, keepdim=True)).squeeze(0) for d, x in zip(directions, ragged, strict=True)]
    assert torch.equal(back[0], torch.stack(wanted))
    many = torch.autograd.grad(pooled, ragged, cotangents, is_grads_batched=True)
    assert all(torch.equal(both[0], one) for both, one in zip(many, slopes, strict=True))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_poisoned_sequence_poisons_no_other(layout: str) -> None:
    ragged = [torch.randn(n, 3) for n in (3, 3, 2)]
    wanted = loop(first, ragged)
    ragged[1][1] = NAN
    pooled = peak(layout, ragged)
    assert torch.equal(pooled[[0, 2]], wanted[[0, 2]])
    assert pooled[1].isnan().all()


@pytest.mark.parametrize("largest", [True, False])
@pytest.mark.parametrize("at_once", [firsts.LONG, 64])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_long_sequences_find_their_first_step(
    layout: str, at_once: int, largest: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ties in most parts, NaN in some, and an extreme at the very end; compared whole, or block by block."""
    monkeypatch.setattr(firsts, "LONG", at_once)
    ragged = [torch.randint(-2, 3, (n, 40)).double() for n in (200, 129, 65)]
    for x in ragged:
        x[-3:, 0], x[70:90, 1], x[:, 2] = NAN, NAN, -x[:, 2].abs()
        x[-1, 3], x[60:, 4] = (9.0 if largest else -9.0), (9.0 if largest else -9.0)
        x.requires_grad_()
    wanted = loop(lambda x: first(x, largest=largest), ragged)
    assert_same(peak(layout, ragged, largest=largest), wanted, ragged, exact=True)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("largest", [True, False])
def test_the_numbers_next_to_0_are_told_apart(layout: str, dtype: torch.dtype, largest: bool) -> None:
    tiny = torch.finfo(dtype).smallest_normal * torch.finfo(dtype).eps
    x = torch.tensor([[-1.0], [-tiny], [0.0], [0.0]], dtype=dtype) * (1 if largest else -1)
    assert x[1] != 0
    ragged = [x.clone().requires_grad_(), x[2:].clone().requires_grad_()]
    wanted = loop(lambda x: first(x, largest=largest), ragged)
    assert_same(peak(layout, ragged, largest=largest), wanted, ragged, exact=True)


@pytest.mark.skipif(not torch.set_flush_denormal(False), reason="the processor cannot take such numbers for 0")
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("largest", [True, False])
def test_ties_at_0_where_the_numbers_next_to_it_are_taken_for_0(layout: str, largest: bool) -> None:
    ragged = [(torch.tensor([[-1.0], [0.0], [0.0]]) * (1 if largest else -1)).requires_grad_() for _ in range(3)]
    wanted = loop(lambda x: first(x, largest=largest), ragged)
    torch.set_flush_denormal(True)
    try:
        assert_same(peak(layout, ragged, largest=largest), wanted, ragged, exact=True)
    finally:
        torch.set_flush_denormal(False)
