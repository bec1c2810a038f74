"""Every pooler with parameters refuses a width below 1, and takes what comes after the width by name."""

import inspect

import pytest

import seqpool
from seqpool import poolers
from seqpool.poolers.base import Pooler

ALL: list[type[Pooler]] = [getattr(seqpool, name) for name in poolers.__all__]
WIDE = [cls for cls in ALL if "in_features" in inspect.signature(cls).parameters]


@pytest.mark.parametrize("cls", WIDE)
@pytest.mark.parametrize("width", [0, -1])
def test_a_width_below_1_is_refused(cls: type[Pooler], width: int) -> None:
    with pytest.raises(ValueError, match=f"in_features must be at least 1, {width} came: the width of output"):
        cls(width, **cls.samples[0])


@pytest.mark.parametrize("cls", ALL)
def test_what_has_a_default_is_given_by_name(cls: type[Pooler]) -> None:
    parameters = inspect.signature(cls).parameters.values()
    loose = [each.name for each in parameters if each.default is not each.empty and each.kind is not each.KEYWORD_ONLY]
    assert loose == []
    if cls in WIDE:
        kinds = [each.kind for each in parameters]
        assert set(kinds[1:]) <= {inspect.Parameter.KEYWORD_ONLY}
