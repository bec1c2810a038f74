"""Every pooler in every layout: values, gradients, company, order, padding, empties, repetition."""

import pytest

from tests.contract.checks import (
    LARGE,
    SMALL,
    WIDE,
    check_company,
    check_empties,
    check_padding,
    check_permutation,
    check_repeats,
    check_values,
)
from tests.contract.contents import Content, plain, wild
from tests.contract.discovery import WIDTH, Case
from tests.contract.layouts import LAYOUTS
from tests.contract.marks import every_layout, every_path, every_pooler


@every_pooler
@every_layout
def test_equals_the_definition(case: Case, layout: str) -> None:
    check_values(case, LAYOUTS[layout], wild, SMALL, WIDTH)


@every_path()
def test_large_batches_equal_the_definition(case: Case, layout: str) -> None:
    check_values(case, LAYOUTS[layout], plain, LARGE, WIDE)


@pytest.mark.full
@every_pooler
@every_layout
@pytest.mark.parametrize(("content", "lengths", "width"), [(plain, SMALL, WIDTH), (wild, LARGE, WIDE)])
def test_full_values(case: Case, layout: str, content: Content, lengths: tuple[int, ...], width: int) -> None:
    check_values(case, LAYOUTS[layout], content, lengths, width)


@every_path()
def test_alone_as_in_company(case: Case, layout: str) -> None:
    check_company(case, LAYOUTS[layout])


@every_path()
def test_order_permutes(case: Case, layout: str) -> None:
    check_permutation(case, LAYOUTS[layout])


@every_pooler
def test_padding_does_not_matter(case: Case) -> None:
    check_padding(case)


@every_path()
def test_empties_are_zeros(case: Case, layout: str) -> None:
    check_empties(case, LAYOUTS[layout])


@every_path()
def test_runs_repeat(case: Case, layout: str) -> None:
    check_repeats(case, LAYOUTS[layout])
