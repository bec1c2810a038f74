"""What may be said of numbers that differ by seed: means with intervals, and who is best."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

from scipy.special import stdtrit  # type: ignore[import-untyped]  # it has no types


@final
@dataclass(frozen=True)
class Interval:
    """A mean over seeds and its 95% interval; from one seed alone, the whole line."""

    mean: float
    low: float
    high: float
    seeds: int

    def __str__(self) -> str:
        if self.seeds == 1:
            return f"{self.mean:.3f} (one seed)"
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}]"

    def overlaps(self, other: "Interval") -> bool:
        """Whether some value lies in both."""
        return self.low <= other.high and other.low <= self.high


def interval(values: Sequence[float]) -> Interval:
    r"""Mean of independent runs and its 95% interval by Student's t.

    .. math:: \bar y \pm t_{0.975, n-1} \frac{s}{\sqrt n}

    Where a value is infinite, as a vanishing ratio may be, the median and the whole line; where one is none, none.

    Raises:
        ValueError: there is no value.

    Example:
        >>> str(interval([0.80, 0.82, 0.84])), str(interval([0.80]))
        ('0.820 [0.770, 0.870]', '0.800 (one seed)')
    """
    if not values:
        raise ValueError("an interval needs a value or more, none came")
    count = len(values)
    if not all(map(math.isfinite, values)):
        middle = math.nan if any(map(math.isnan, values)) else statistics.median(values)
        return Interval(middle, -math.inf, math.inf, count)
    mean = statistics.fmean(values)
    if count == 1:
        return Interval(mean, -math.inf, math.inf, 1)
    margin = float(stdtrit(count - 1, 0.975)) * statistics.stdev(values) / math.sqrt(count)
    return Interval(mean, mean - margin, mean + margin, count)


def geometric(values: Sequence[float]) -> Interval:
    r"""Geometric mean of independent runs and its 95% interval, of what spans orders of magnitude and is never below 0.

    .. math:: \exp\left(\overline{\ln y} \pm t_{0.975, n-1} \frac{s_{\ln y}}{\sqrt n}\right)

    Where a value is 0 or infinite, the median and the whole line from 0 on.

    Raises:
        ValueError: there is no value, or one is below 0.

    Example:
        >>> found = geometric([1e3, 1e4, 1e5])
        >>> round(found.mean), found.low > 0
        (10000, True)
    """
    logs = interval([math.log(value) if value else -math.inf for value in values])
    return Interval(_power(logs.mean), _power(logs.low), _power(logs.high), logs.seeds)


def _power(exponent: float) -> float:
    try:
        return math.exp(exponent)
    except OverflowError:
        return math.inf


def best(intervals: Mapping[str, Interval]) -> list[str]:
    """Everyone whose interval overlaps that of the highest mean, highest first: a winner where it is one name alone.

    Example:
        >>> best({"a": interval([0.80, 0.81]), "b": interval([0.81, 0.815]), "c": interval([0.1, 0.1])})
        ['b', 'a']
    """
    ranked = sorted(intervals, key=lambda name: -intervals[name].mean)
    return [name for name in ranked if intervals[name].overlaps(intervals[ranked[0]])]
