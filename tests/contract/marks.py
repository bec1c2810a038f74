"""The axes that the contract's tests run over."""

import pytest

from tests.contract.discovery import ATTENTION, CASES, FIRST, NEEDY, SCORED
from tests.contract.layouts import LAYOUTS

every_pooler = pytest.mark.parametrize("case", CASES, ids=str)
every_class = pytest.mark.parametrize("case", FIRST, ids=str)
every_attention = pytest.mark.parametrize("case", ATTENTION, ids=str)
every_scored = pytest.mark.parametrize("case", SCORED, ids=str)
every_needy = pytest.mark.parametrize("case", NEEDY, ids=str)
every_layout = pytest.mark.parametrize("layout", LAYOUTS)
