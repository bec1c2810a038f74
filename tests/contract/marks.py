"""The axes that the contract's tests run over."""

from collections.abc import Iterable

import pytest

from tests.contract.discovery import A_FILE, ATTENTION, CASES, EVERY_VERB, FIRST, NEEDY, SCORED, Case
from tests.contract.layouts import LAYOUTS

# One layout a way to sum, dense, holes, packed and flat; and those that bring an RNN's states.
SUMMED = ["right_padded", "holes", "packed_unsorted", "flat_int64"]
PATHS = [*SUMMED, *(name for name, layout in LAYOUTS.items() if layout.states)]

every_pooler = pytest.mark.parametrize("case", CASES, ids=str)
every_class = pytest.mark.parametrize("case", FIRST, ids=str)
every_file = pytest.mark.parametrize(
    "case", [pytest.param(case, marks=() if case in A_FILE else pytest.mark.full) for case in FIRST], ids=str
)
every_verb = pytest.mark.parametrize("case", EVERY_VERB, ids=str)
every_attention = pytest.mark.parametrize("case", ATTENTION, ids=str)
every_scored = pytest.mark.parametrize("case", SCORED, ids=str)
every_needy = pytest.mark.parametrize("case", NEEDY, ids=str)
every_layout = pytest.mark.parametrize("layout", LAYOUTS)


def _usual(case: Case, layout: str) -> bool:
    return case in EVERY_VERB or (layout in PATHS and case in FIRST) or layout == PATHS[0]


def every_path(layouts: Iterable[str] = LAYOUTS) -> pytest.MarkDecorator:
    """Every class on every path and every verb in every layout; the pairs that are left are of the full matrix."""
    pairs = [
        pytest.param(case, layout, id=f"{layout}-{case}", marks=() if _usual(case, layout) else pytest.mark.full)
        for layout in layouts
        for case in CASES
    ]
    return pytest.mark.parametrize(("case", "layout"), pairs)
