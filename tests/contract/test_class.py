"""Every pooler's class: declarations, copies, text."""

import seqpool.poolers
from tests.contract import checks_class
from tests.contract.discovery import CASES, Case
from tests.contract.marks import every_class, every_pooler
from tests.contract.rows import ROWS


def test_poolers_are_found() -> None:
    assert len(CASES) >= len({case.cls for case in CASES}) > 10


def test_every_concrete_class_is_exported() -> None:
    assert checks_class.unexported() == []
    assert set(seqpool.poolers.__all__) >= {case.cls.__name__ for case in CASES}


def test_exemptions_name_rows_of_the_contract() -> None:
    for case in CASES:
        assert set(case.cls.exempt) <= set(ROWS), f"{case}: the rows are {sorted(ROWS)}"
        for name, reason in case.cls.exempt.items():
            assert reason, f"{case} gives no reason for its exemption from {name}"


def test_samples_differ() -> None:
    shown = {(case.cls, repr(case.start())) for case in CASES}
    assert len(shown) == len(CASES), "two samples of one class have the same repr"


@every_class
def test_final(case: Case) -> None:
    checks_class.check_final(case)


@every_class
def test_docstring(case: Case) -> None:
    checks_class.check_docstring(case)


@every_pooler
def test_repr(case: Case) -> None:
    checks_class.check_repr(case)


@every_pooler
def test_copies(case: Case) -> None:
    checks_class.check_copies(case)


@every_pooler
def test_out_features(case: Case) -> None:
    checks_class.check_out_features(case)


@every_pooler
def test_unwanted_arguments(case: Case) -> None:
    checks_class.check_unwanted(case)


@every_class
def test_missing_needs(case: Case) -> None:
    checks_class.check_missing(case)


@every_class
def test_declarations(case: Case) -> None:
    checks_class.check_declarations(case)
