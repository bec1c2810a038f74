"""Every pooler in half, single and double precision, and its derivatives against finite differences."""

import pytest
import torch

from tests.contract.checks_dtypes import (
    check_autocast,
    check_derivatives,
    check_double,
    check_half,
    check_second_derivatives,
)
from tests.contract.discovery import Case
from tests.contract.layouts import LAYOUTS
from tests.contract.marks import SUMMED, every_path, every_pooler


@every_pooler
@pytest.mark.parametrize("layout", SUMMED)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_half_types_sum_in_single(case: Case, layout: str, dtype: torch.dtype) -> None:
    check_half(case, LAYOUTS[layout], dtype)


@every_path()
def test_autocast_keeps_the_dtype(case: Case, layout: str) -> None:
    check_autocast(case, LAYOUTS[layout])


@every_path()
def test_double_stays_double(case: Case, layout: str) -> None:
    check_double(case, LAYOUTS[layout])


@every_path()
def test_derivatives(case: Case, layout: str) -> None:
    check_derivatives(case, LAYOUTS[layout])


@every_path(name for name, layout in LAYOUTS.items() if layout.twice)
def test_second_derivatives(case: Case, layout: str) -> None:
    check_second_derivatives(case, LAYOUTS[layout])


def test_nested_tensors_have_no_second_derivative_in_torch() -> None:
    """Once this fails, the nested layouts can be differentiated twice, too."""
    x = torch.randn(4, 2, requires_grad=True)
    rows = torch.nested.nested_tensor_from_jagged(x, torch.tensor([0, 1, 4])).values()
    (slope,) = torch.autograd.grad(rows.square().sum(), x, create_graph=True)
    with pytest.raises(NotImplementedError):
        torch.autograd.grad(slope.sum(), x)
