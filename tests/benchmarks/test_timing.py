"""What is measured on the CPU is the work, not the first touch of new memory nor what another contender has left."""

import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from benchmarks.timing import by_rounds, settled

FAULTS = """
import resource, torch
from benchmarks.timing import keep_memory
said = keep_memory()
torch.ones(2**26)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(40):
    torch.ones(2**24)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before, said)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="mallopt is the C library's on Linux")
def test_memory_that_was_freed_is_taken_again() -> None:
    """64 MiB are 16,384 pages, each a fault where they are new; the heap takes some calls to settle."""
    done = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True, check=True)
    faults, said = done.stdout.strip().split(maxsplit=1)
    assert said == "keeps what is freed"
    assert int(faults) < 40 * 16384 / 3


def test_a_call_counts_after_others_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first call of a turn pays for what the one before has left, here 5 seconds; one after its own takes 2 ms."""
    now, left_by = 0.0, ""

    def contender(name: str) -> Callable[[], None]:
        def run() -> None:
            nonlocal now, left_by
            now += 0.002 if left_by == name else 5
            left_by = name

        return run

    monkeypatch.setattr(time, "perf_counter", lambda: now)
    seconds = by_rounds({name: contender(name) for name in ("a", "b", "c")}, 3)
    assert seconds == {name: [pytest.approx(0.002)] * 3 for name in ("a", "b", "c")}


@pytest.mark.parametrize(("milliseconds", "calls"), [(1, 11), (4, 4), (10, 2), (300, 2)])
def test_a_turn_settles_for_ten_milliseconds_or_one_call(
    monkeypatch: pytest.MonkeyPatch, milliseconds: int, calls: int
) -> None:
    now = called = 0

    def run() -> None:
        nonlocal now, called
        now, called = now + milliseconds, called + 1

    monkeypatch.setattr(time, "perf_counter", lambda: now / 1000)
    assert settled(run) == pytest.approx(milliseconds / 1000)
    assert called == calls
