"""The rows of the contract, and the poolers that are exempt from one."""

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

import pytest

from seqpool.poolers.base import Pooler
from tests.contract.discovery import Case

Check = TypeVar("Check", bound=Callable[..., None])

ROWS: dict[str, Callable[..., object]] = {}
"""Each row's name, which a pooler's `exempt` may hold, and the check that holds poolers to it."""


def mistaken_exemptions(cls: type[Pooler]) -> list[str]:
    """What is wrong with the rows that a class is exempt from: there is no such row, or no reason."""
    unknown = [f"{name} is no row of {', '.join(sorted(ROWS))}" for name in cls.exempt if name not in ROWS]
    return unknown + [f"{name} has no reason" for name, reason in cls.exempt.items() if not reason]


def row(name: str) -> Callable[[Check], Check]:
    """Make a check a row of the contract: a pooler that declares itself exempt is skipped, with its reason."""

    def decorate(check: Check) -> Check:
        assert check.__doc__, f"{check.__name__} must say what it promises"
        assert name not in ROWS, f"two rows are named {name}"
        ROWS[name] = check

        @functools.wraps(check)
        def held(case: Case, *args: Any, **kwargs: Any) -> None:
            if name in case.cls.exempt:
                pytest.skip(f"{case}: {case.cls.exempt[name]}")
            check(case, *args, **kwargs)

        return cast(Check, held)

    return decorate
