"""Every pooler in every layout on a fake accelerator."""

from tests.contract.checks_accelerator import check_no_sync
from tests.contract.discovery import Case
from tests.contract.layouts import LAYOUTS
from tests.contract.marks import every_path


@every_path()
def test_never_waits(case: Case, layout: str) -> None:
    check_no_sync(case, LAYOUTS[layout])
