"""Intervals over seeds, held against SciPy's; and no winner where they overlap."""

import math

import pytest
from scipy import stats  # type: ignore[import-untyped]  # it has no types

from benchmarks.accuracy.bands import count, read, written
from benchmarks.accuracy.statistics import Interval, best, geometric, interval


@pytest.mark.parametrize("values", [[0.8, 0.83], [0.8, 0.82, 0.9], [0.1, 0.2, 0.35, 0.3, 0.25]])
def test_an_interval_is_students(values: list[float]) -> None:
    found = interval(values)
    low, high = stats.t.interval(0.95, len(values) - 1, loc=found.mean, scale=stats.sem(values))
    assert [found.low, found.high] == pytest.approx([low, high])
    assert found.mean == pytest.approx(sum(values) / len(values))
    assert found.seeds == len(values)


def test_one_seed_bounds_nothing() -> None:
    assert interval([0.8]) == Interval(0.8, -math.inf, math.inf, 1)
    assert best({"a": interval([0.9]), "b": interval([0.1, 0.1])}) == ["a", "b"]


def test_no_value_has_no_interval() -> None:
    with pytest.raises(ValueError, match="an interval needs a value or more, none came"):
        interval([])


@pytest.mark.parametrize(
    ("values", "middle"),
    [
        ([1.0, math.inf, 2.0], 2.0),
        ([math.inf, math.inf], math.inf),
        ([math.inf, -math.inf, 3.0], 3.0),
        ([math.inf], math.inf),
    ],
)
def test_what_is_not_finite_bounds_nothing(values: list[float], middle: float) -> None:
    assert interval(values) == Interval(middle, -math.inf, math.inf, len(values))


def test_of_what_is_no_number_the_mean_is_none() -> None:
    # The difference of two infinite ratios is one.
    found = interval([math.nan, 1.0])
    assert math.isnan(found.mean)
    assert (found.low, found.high) == (-math.inf, math.inf)


@pytest.mark.parametrize("values", [[8.6e19, 2e18], [0.98, 0.89, 0.72], [3e4, 1e6, 6e5, 7e9]])
def test_a_geometric_interval_is_students_of_the_logarithms(values: list[float]) -> None:
    found = geometric(values)
    logs = [math.log10(value) for value in values]
    low, high = stats.t.interval(0.95, len(logs) - 1, loc=sum(logs) / len(logs), scale=stats.sem(logs))
    assert [found.mean, found.low, found.high] == pytest.approx([stats.gmean(values), 10**low, 10**high])
    assert found.seeds == len(values)


def test_what_has_no_logarithm_bounds_nothing() -> None:
    # e^8,777, the interval's end of the last, is no float.
    for values, middle in (([4.0], 4.0), ([math.inf, 2.0, 8.0], 8.0), ([0.0, 1.0, 3.0], 1.0), ([1e-300, 1e300], 1.0)):
        found = geometric(values)
        assert found.mean == pytest.approx(middle)
        assert (found.low, found.high, found.seeds) == (0.0, math.inf, len(values))
    with pytest.raises(ValueError, match=r"math domain error|expected a positive input"):
        geometric([-1.0])


def test_a_winner_is_alone() -> None:
    clear = {"a": interval([0.9, 0.91]), "b": interval([0.5, 0.51])}
    assert best(clear) == ["a"]
    assert best(clear | {"c": interval([0.7, 0.95])}) == ["a", "c"]
    touching = {"a": Interval(0.9, 0.8, 1.0, 2), "b": Interval(0.7, 0.6, 0.8, 2)}
    assert best(touching) == ["a", "b"]


def test_bands_come_back_from_the_table() -> None:
    bands = count([0, 9, 10, 19, 20, 640], [True, False, True, True, False, True])
    assert bands == {"0-10": (1, 2), "10-20": (2, 2), "20-40": (0, 1), "640-1280": (1, 1)}
    assert read(written(bands)) == bands


@pytest.mark.parametrize("text", ["0-10", "0-10:1", "0-10:a/2", "0-10:1/2;;10-20:1/"])
def test_other_text_is_no_bands(text: str) -> None:
    with pytest.raises(ValueError, match=r"correct_by_length must read as 0-10:1/2;10-20:1/1, '.*' came"):
        read(text)
