"""`view` copies nothing."""

from tests.contract.checks_storage import check_copies_nothing
from tests.contract.layouts import LAYOUTS
from tests.contract.marks import every_layout


@every_layout
def test_view_copies_nothing(layout: str) -> None:
    check_copies_nothing(LAYOUTS[layout])
