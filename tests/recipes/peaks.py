"""Peak memory of one call in a process that has run others, as Linux keeps it."""

from collections.abc import Callable
from pathlib import Path

from benchmarks.accuracy.peak import peak_mb

FORGET = Path("/proc/self/clear_refs")


def peak_of(run: Callable[[], object]) -> float:
    """Most MiB resident during a call; what importing and earlier calls took at their peak is forgotten."""
    FORGET.write_text("5")
    run()
    return peak_mb()
