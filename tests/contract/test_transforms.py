"""Every pooler under `torch.func`."""

from tests.contract.checks_transforms import check_sample_gradients, check_vmap
from tests.contract.discovery import Case
from tests.contract.layouts import LAYOUTS
from tests.contract.marks import every_path, every_pooler


@every_path(name for name in LAYOUTS if not name.startswith("nested"))
def test_vmap(case: Case, layout: str) -> None:
    check_vmap(case, LAYOUTS[layout])


@every_pooler
def test_a_gradient_for_each_sequence(case: Case) -> None:
    check_sample_gradients(case)
