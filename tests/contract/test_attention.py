"""Every attention pooler: its weights, and PyTorch's own attention as a second oracle."""

from seqpool.poolers.base import AttentionBase
from tests.contract.checks_attention import check_scaled_dot_product, check_weights, without_oracle
from tests.contract.discovery import ATTENTION, SCORED, Case
from tests.contract.layouts import LAYOUTS
from tests.contract.marks import every_attention, every_layout, every_scored
from tests.contract.planted_graphs import Sharpened


@every_attention
@every_layout
def test_weights(case: Case, layout: str) -> None:
    check_weights(case, LAYOUTS[layout])


@every_scored
def test_equals_scaled_dot_product_attention(case: Case) -> None:
    check_scaled_dot_product(case)


def test_every_other_attention_has_a_golden_test() -> None:
    others = {case.cls for case in ATTENTION} - {case.cls for case in SCORED}
    assert others
    assert without_oracle(cls for cls in others if issubclass(cls, AttentionBase)) == []
    assert without_oracle([Sharpened]) == ["Sharpened"]
