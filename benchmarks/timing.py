"""Timing by rounds: every contender once a round, so that a drifting machine moves them all."""

import ctypes
import datetime
import os
import platform
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median, quantiles

import torch

Run = Callable[[], object]
Contenders = Mapping[str, Run]

SETTLING = 0.01
"""Seconds of a contender's calls before the one that counts."""


@dataclass(frozen=True)
class Spread:
    """A median with its 20th and 80th percentile."""

    median: float
    p20: float
    p80: float

    def __str__(self) -> str:
        return f"{self.median:.2f} [{self.p20:.2f}, {self.p80:.2f}]"


def spread(values: list[float]) -> Spread:
    """Median, 20th and 80th percentile of at least two values."""
    low, *_, high = quantiles(values, n=5, method="inclusive")
    return Spread(median(values), low, high)


def keep_memory() -> str:
    """Let the C library keep what is freed for the next call, as PyTorch's allocator does on a GPU; what was done.

    Else a large tensor is new memory every time, whose first touch costs more than most of what is measured.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is None:
        return "the system's"
    trim_threshold, mmap_max = -1, -4  # their numbers in malloc.h
    kept = mallopt(mmap_max, 0) and mallopt(trim_threshold, 2**31 - 1)
    return "keeps what is freed" if kept else "the system's"


def wall(run: Run) -> float:
    """Seconds on the host's clock."""
    begin = time.perf_counter()
    run()
    return time.perf_counter() - begin


def settled(run: Run) -> float:
    """Seconds of a call on the host's clock that follows others of its own, 10 ms of them and one at least.

    Those leave caches and heap as the contender does when it is called again and again. Else it pays for what another
    left: what the one before has read as well lies in the cache, and after many small tensors the heap is in pieces.
    """
    begin = time.perf_counter()
    run()
    while time.perf_counter() - begin < SETTLING:
        run()
    return wall(run)


def by_rounds(contenders: Contenders, rounds: int, clock: Callable[[Run], float] = settled) -> dict[str, list[float]]:
    """Seconds of each contender in each round, after one round that does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for counted in range(rounds + 1):
        for name, run in contenders.items():
            taken = clock(run)
            if counted:
                seconds[name].append(taken)
    return seconds


def ratio(seconds: Mapping[str, list[float]], name: str, rival: str) -> Spread:
    """Time of `name` over time of `rival`, round by round."""
    return spread([a / b for a, b in zip(seconds[name], seconds[rival], strict=True)])


def machine() -> str:
    """What the numbers were measured on, in one line."""
    return (
        f"{datetime.datetime.now(datetime.UTC).date()}; {processor()}, {os.cpu_count()} cores, "
        f"{torch.get_num_threads()} torch thread(s); Python {platform.python_version()}, torch {torch.__version__}"
    )


def processor() -> str:
    """The name of the host's processor."""
    try:
        with open("/proc/cpuinfo") as lines:  # noqa: PTH123  # one read of a kernel file
            names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.machine()
