"""Every attention pooler: its weights, and PyTorch's own attention as a second oracle."""

from tests.contract.checks_attention import check_scaled_dot_product, check_weights
from tests.contract.discovery import Case
from tests.contract.layouts import LAYOUTS
from tests.contract.marks import every_attention, every_layout


@every_attention
@every_layout
def test_weights(case: Case, layout: str) -> None:
    check_weights(case, LAYOUTS[layout])


@every_attention
def test_equals_scaled_dot_product_attention(case: Case) -> None:
    check_scaled_dot_product(case)
