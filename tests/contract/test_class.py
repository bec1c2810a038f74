"""Every pooler's class: declarations, copies, text."""

import pytest

import seqpool.poolers
from seqpool.poolers.concat import ConcatPooler
from seqpool.poolers.ends import LastPooler
from seqpool.poolers.reductions import MaskedMaxPooler, MaskedMeanPooler
from seqpool.poolers.statistics import StdPooler
from seqpool.poolers.weighted_layers import WeightedLayersPooler
from tests.contract import checks_class
from tests.contract.discovery import CASES, Case
from tests.contract.marks import every_class, every_needy, every_pooler

ALONE = [LastPooler(), MaskedMeanPooler(), StdPooler()]
COMPOSED = [
    *(Case(ConcatPooler, {"poolers": (pooler,)}) for pooler in ALONE),
    Case(ConcatPooler, {"poolers": (MaskedMeanPooler(), MaskedMaxPooler())}),
    Case(ConcatPooler, {"poolers": (StdPooler(), LastPooler())}),
    Case(ConcatPooler, {"poolers": (MaskedMeanPooler(), ConcatPooler(StdPooler()))}),
    *(Case(WeightedLayersPooler, {"num_layers": 2, "pooler": pooler}) for pooler in ALONE),
]


def test_poolers_are_found() -> None:
    assert len(CASES) >= len({case.cls for case in CASES}) > 10


def test_every_concrete_class_is_exported() -> None:
    assert checks_class.unexported() == []
    assert set(seqpool.poolers.__all__) >= {case.cls.__name__ for case in CASES}


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


@every_needy
def test_missing_needs(case: Case) -> None:
    checks_class.check_missing(case)


@every_class
def test_declarations(case: Case) -> None:
    checks_class.check_declarations(case)


@pytest.mark.parametrize("case", COMPOSED, ids=lambda case: repr(case.start()).replace("\n", ""))
def test_a_composition_declares_what_its_poolers_do(case: Case) -> None:
    pooler = case.start()
    assert pooler.order == checks_class.ordered(case)
    assert pooler.piecewise != checks_class.bent(case)
