"""The axes that the contract's tests run over."""

from collections.abc import Iterable

import pytest

from tests.contract.discovery import ATTENTION, CASES, EVERY_VERB, FIRST, NEEDY, READERS, SCORED, Case
from tests.contract.layouts import LAYOUTS

# One layout a way to sum: dense, holes, packed and flat.
SUMMED = ["right_padded", "holes", "packed_unsorted", "flat_int64"]

every_pooler = pytest.mark.parametrize("case", CASES, ids=str)
every_class = pytest.mark.parametrize("case", FIRST, ids=str)
every_verb = pytest.mark.parametrize("case", EVERY_VERB, ids=str)
every_attention = pytest.mark.parametrize("case", ATTENTION, ids=str)
every_scored = pytest.mark.parametrize("case", SCORED, ids=str)
every_needy = pytest.mark.parametrize("case", NEEDY, ids=str)
every_layout = pytest.mark.parametrize("layout", LAYOUTS)


def _usual(case: Case, layout: str) -> bool:
    if LAYOUTS[layout].states:
        return case in EVERY_VERB or case in READERS
    return case in EVERY_VERB or (layout in SUMMED and case in FIRST) or layout == SUMMED[0]


def every_path(layouts: Iterable[str] = LAYOUTS) -> pytest.MarkDecorator:
    """Each class for each way to sum, and with an RNN's states if it reads them; each verb in each layout.

    The pairs that are left are of the full matrix.
    """
    pairs = [
        pytest.param(case, layout, id=f"{layout}-{case}", marks=() if _usual(case, layout) else pytest.mark.full)
        for layout in layouts
        for case in CASES
    ]
    return pytest.mark.parametrize(("case", "layout"), pairs)
