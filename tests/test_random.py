"""Layout, lengths, width, content, dtype and pooler drawn at random, against the one-sequence definition.

`SEQPOOL_EXAMPLES=100000 python -m pytest tests/test_random.py` draws that many, anew each time; `--hypothesis-seed`
repeats them.
"""

import copy
import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from torch import Tensor

from seqpool.poolers.base import Pooler
from tests.contract.batches import Batch
from tests.contract.contents import Content, offset, plain
from tests.contract.discovery import CASES, Case
from tests.contract.layouts import LAYOUTS
from tests.contract.planted import (
    EvenTies,
    FirstInPackedOrder,
    LastColumn,
    MultipliedByMask,
    SpanForCount,
)
from tests.contract.running import fitted, gradients, oracle, run

EXAMPLES = os.environ.get("SEQPOOL_EXAMPLES")
TOLERANCES = {torch.float64: 1e-9, torch.float32: 1e-5, torch.float16: 2**-9, torch.bfloat16: 2**-6}
# The wide ones reach the paths that read slices of the rows. Scores learned over so many features are large, and a
# softmax of large scores has fewer digits than they.
WIDTHS = {torch.float64: (4, 8, 128), torch.float32: (4, 8), torch.float16: (4,), torch.bfloat16: (4,)}


def ties(lengths: Sequence[int], width: int) -> Tensor:
    """Few different numbers, which often agree."""
    return torch.randint(-1, 2, (sum(lengths), width)).float()


@st.composite
def lengths_of_batch(draw: st.DrawFn) -> list[int]:
    """A few short sequences, empty ones among them; sometimes a long one."""
    lengths = draw(st.lists(st.integers(0, 9), max_size=6))
    return lengths + draw(st.sampled_from(([], [], [], [40], [130])))


def cast(batch: Batch, dtype: torch.dtype) -> Batch:
    """The same numbers in another dtype, still made from the same leaves."""
    states = {name: state.to(dtype) for name, state in batch.states.items()}
    extras = {name: extra.to(dtype) for name, extra in batch.extras.items()}
    return replace(batch, table=batch.table.to(dtype), states=states, extras=extras)


def defined(pooler: Pooler, batch: Batch, cotangent: Tensor, dtype: torch.dtype) -> list[Tensor]:
    """The definition computed in `dtype`: its values, and its gradients at the batch's leaves."""
    pooled = oracle(copy.deepcopy(pooler).to(dtype), cast(batch, dtype))
    return [tensor.double() for tensor in (pooled, *gradients(pooled, batch.leaves, cotangent.to(dtype)))]


def assert_near(got: Tensor, exact: Tensor, rounded: Tensor, dtype: torch.dtype) -> None:
    """Equal to the digits of `dtype`, counted from the largest number, or as near as the definition comes in it."""
    tolerance = TOLERANCES[dtype] * max([1.0, *exact.abs().flatten().tolist()])
    own = max([0.0, *(rounded - exact).abs().flatten().tolist()])
    torch.testing.assert_close(got.double(), exact, rtol=TOLERANCES[dtype], atol=tolerance + 2 * own)


DRAWN = {
    "layout": st.sampled_from(sorted(LAYOUTS)),
    "lengths": lengths_of_batch(),
    "kind": st.sampled_from([(dtype, width) for dtype, widths in WIDTHS.items() for width in widths]),
    "content": st.sampled_from((plain, offset, ties)),
    "seed": st.integers(0, 2**32 - 1),
}
DRAWING = settings(
    max_examples=int(EXAMPLES or 200),
    derandomize=EXAMPLES is None,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


def assert_equals_the_definition(
    case: Case, layout: str, lengths: list[int], kind: tuple[torch.dtype, int], content: Content, seed: int
) -> None:
    """Values, and gradients of all that the batch was made from; none at padding."""
    (dtype, width), way = kind, LAYOUTS[layout]
    if way.states or "h_n" in case.needs:
        assert case.directions  # found once, with random numbers: not after the seed
    torch.manual_seed(seed)
    for whole in case.batches(lengths, states=way.states, content=content, width=width, dtype=torch.float64):
        pooler = case.build(width).to(dtype)
        batch = cast(fitted(whole, way), dtype)
        got = run(pooler, batch, way)
        assert got.pooled.dtype == dtype
        cotangent = torch.randn_like(got.pooled)
        *found, at_values = gradients(got.pooled, [*batch.leaves, got.values], cotangent)
        assert not at_values[got.padding].any(), "padding got a gradient"
        exact = defined(pooler, batch, cotangent, torch.float64)
        rounded = defined(pooler, batch, cotangent, dtype) if dtype == torch.float32 else exact
        assert_near(got.pooled, exact[0], rounded[0], dtype)
        for one, other, near in zip(found, exact[1:], rounded[1:], strict=True):
            # A half type's rounding of a learned map may turn its gradient: finite is all that is promised.
            if dtype.itemsize == 2 and list(pooler.parameters()):
                assert one.isfinite().all()
            else:
                assert_near(one, other, near, dtype)


@DRAWING
@given(case=st.sampled_from(CASES), **DRAWN)
def test_equals_the_definition(case: Case, **drawn: Any) -> None:
    assert_equals_the_definition(case, **drawn)


@pytest.mark.parametrize(
    ("cls", "layout"),
    [
        (LastColumn, "right_padded"),
        (MultipliedByMask, "left_padded"),
        (FirstInPackedOrder, "packed_unsorted"),
        (SpanForCount, "holes"),
        (EvenTies, "unpadded"),
    ],
)
def test_a_planted_bug_is_found(cls: type[Pooler], layout: str) -> None:
    @settings(DRAWING, max_examples=200, derandomize=True, phases=[Phase.generate])
    @given(**DRAWN | {"layout": st.just(layout), "lengths": st.just([3, 1, 130])})
    def holds(**drawn: Any) -> None:
        assert_equals_the_definition(Case(cls, {}), **drawn)

    with pytest.raises(AssertionError, match=r"not close|padding got a gradient"):
        holds()
