"""The promises about dtypes and derivatives."""

import copy
from collections.abc import Callable

import torch
from torch import Tensor
from torch.func import functional_call

from seqpool.poolers.base import Pooler
from tests.contract.batches import Batch
from tests.contract.contents import offset
from tests.contract.discovery import Case
from tests.contract.layouts import Layout
from tests.contract.rows import row
from tests.contract.running import arguments, fitted, gradients, inputs_of, oracle, run

LONG = (5000, 300, 1)
# An RNN's states are no sum over its steps, and running it over thousands takes seconds.
SHORTER = (60, 30, 1)
SHORT = (3, 1, 2)
NARROW = 2


@row("half")
def check_half(case: Case, layout: Layout, dtype: torch.dtype) -> None:
    """A half type gives the half type back, as near to float64 as its digits allow, with finite gradients."""
    # One rounding of the result, and one of each score where scores are learned.
    tolerance = 2 * torch.finfo(dtype).eps
    lengths = SHORTER if "h_n" in case.needs else LONG
    for whole in case.batches(lengths, states=layout.states, content=offset):
        batch = fitted(whole, layout).to(dtype)
        pooler = case.build().to(dtype)
        got = run(pooler, batch, layout)
        assert got.pooled.dtype == dtype, f"{dtype} came in, {got.pooled.dtype} came out"
        want = oracle(copy.deepcopy(pooler).double(), batch.to(torch.float64))
        torch.testing.assert_close(got.pooled.double(), want, rtol=tolerance, atol=tolerance)
        leaves = [*batch.leaves, *pooler.parameters()]
        for leaf, grad in zip(leaves, gradients(got.pooled, leaves, torch.ones_like(got.pooled)), strict=True):
            assert grad.dtype == leaf.dtype
            assert grad.isfinite().all()


@row("autocast")
def check_autocast(case: Case, layout: Layout) -> None:
    """Autocast changes neither the dtype of the result nor, beyond its own digits, the result."""
    for half in (torch.bfloat16, torch.float16):
        for given in (torch.float32, half):
            for whole in case.batches(SHORT, states=layout.states):
                batch = fitted(whole, layout).to(given)
                pooler = case.build()
                got = run(pooler, batch, layout, torch.autocast("cpu", half))
                assert got.pooled.dtype == given, f"{given} came in, {got.pooled.dtype} came out"
                want = oracle(pooler.double(), batch.to(torch.float64))
                torch.testing.assert_close(got.pooled.double(), want, rtol=0.05, atol=0.05)


@row("double")
def check_double(case: Case, layout: Layout) -> None:
    """float64 stays float64, to its last digits."""
    for whole in case.batches(SHORT, states=layout.states, content=offset, dtype=torch.float64):
        batch = fitted(whole, layout)
        pooler = case.build().double()
        got, want = run(pooler, batch, layout).pooled, oracle(pooler, batch)
        assert got.dtype == torch.float64
        torch.testing.assert_close(got, want, rtol=1e-13, atol=1e-13)


def _differentiable(
    pooler: Pooler, layout: Layout, make: Callable[[list[Tensor]], Batch], count: int
) -> Callable[..., Tensor]:
    """The pooler as a function of `count` leaves and its parameters."""
    names = [name for name, _ in pooler.named_parameters()]

    def pooled(*leaves: Tensor) -> Tensor:
        batch = fitted(make(list(leaves[:count])), layout)
        laid = layout.lay(batch.rows)
        args, given = arguments(layout, laid, inputs_of(pooler, batch, layout, laid))
        result: Tensor = functional_call(pooler, dict(zip(names, leaves[count:], strict=True)), args, given)
        return result

    return pooled


@row("gradcheck")
def check_derivatives(case: Case, layout: Layout) -> None:
    """First derivatives, by steps and by parameters, equal finite differences."""
    for leaves, make in case.sources(SHORT, states=layout.states, width=NARROW, dtype=torch.float64):
        pooler = case.build(NARROW).double()
        pooled = _differentiable(pooler, layout, make, len(leaves))
        torch.autograd.gradcheck(pooled, [*leaves, *pooler.parameters()], fast_mode=True)


@row("gradgradcheck")
def check_second_derivatives(case: Case, layout: Layout) -> None:
    """Second derivatives equal finite differences; those of a piecewise linear pooler are 0."""
    for leaves, make in case.sources(SHORT, states=layout.states, width=NARROW, dtype=torch.float64):
        pooler = case.build(NARROW).double()
        pooled = _differentiable(pooler, layout, make, len(leaves))
        torch.autograd.gradgradcheck(pooled, [*leaves, *pooler.parameters()], fast_mode=True)
