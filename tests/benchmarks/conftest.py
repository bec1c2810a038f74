"""A bench that takes no time, and rows made by hand."""

from collections.abc import Callable

import pytest
import torch

from benchmarks.throughput.measure import OURS, Bench
from benchmarks.throughput.rows import Case, Row
from benchmarks.timing import wall

CASE = Case("mean", "padded", "3x5x4:uniform", "float32")


@pytest.fixture
def bench() -> Bench:
    return Bench(torch.device("cpu"), wall, 1e10, 1e-4, compiled=False)


@pytest.fixture
def row() -> Callable[..., Row]:
    """A row that took so many milliseconds, give or take a tenth."""

    def made(median: float, case: Case = CASE, contender: str = OURS, ratio: float = 1.0) -> Row:
        return Row(
            "cpu", **vars(case), passes="forward", contender=contender, rounds=5, median_ms=median,
            p20_ms=0.9 * median, p80_ms=1.1 * median, gb_per_s=1 / 3, share_of_limit=0.5, copy_gb_per_s=10.0,
            ratio=ratio, ratio_p20=0.9 * ratio, ratio_p80=1.1 * ratio, peak_mb=0.1,
        )  # fmt: skip  # a table

    return made
