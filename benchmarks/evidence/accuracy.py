"""Accuracy over seeds: what the runs of a pooler in one setting come to, held against BiConcat on the same seeds."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.accuracy.job import BASELINES
from benchmarks.accuracy.statistics import Interval, best, interval, paired
from benchmarks.accuracy.study import STUDIES
from benchmarks.evidence.raw import Source
from benchmarks.evidence.runs import Run, Setting
from benchmarks.evidence.section import Number

AGAINST = "BiConcatPooler"
WHOLE = "all lengths"
MAIN = "poolers"
"""The study that compares poolers; what its plan names and no file holds is not run."""
POOLERS, PLANNED = (tuple(text.split(",")) for text in (STUDIES[MAIN].poolers, STUDIES[MAIN].datasets))


@dataclass(frozen=True)
class Band:
    """Accuracy on the texts of some lengths."""

    texts: int
    accuracy: Number
    difference: Number | None


@dataclass(frozen=True)
class Cell:
    """A pooler in a setting: each number is a mean with its 95% interval; without runs there is no cell."""

    setting: Setting
    pooler: str
    seeds: int
    accuracy: Number
    difference: Number | None
    macro_f1: Number
    seconds_per_epoch: Number
    peak_mb: Number
    by_length: dict[str, Band]

    @property
    def trained(self) -> bool:
        """Whether it is a pooler, and no baseline."""
        return self.pooler not in BASELINES


def cells(found: Sequence[Run]) -> list[Cell]:
    """One for each setting and pooler, in the order of settings, the main study first; baselines in all of theirs.

    A baseline has no encoder and no budget; where nothing was trained yet it is a setting of its own.
    """
    grouped: dict[tuple[Setting, str], list[Run]] = {}
    trained = list(dict.fromkeys(run.setting for run in found if run.pooler not in BASELINES))
    for run in found:
        same = [setting for setting in trained if setting.has_texts_of(run.setting)]
        for setting in same if run.pooler in BASELINES and same else [run.setting]:
            grouped.setdefault((setting, run.pooler), []).append(run)
    return [
        _cell(setting, grouped[setting, pooler], grouped.get((setting, AGAINST), []))
        for setting, pooler in sorted(grouped, key=lambda key: (key[0].study != MAIN, key[0]))
    ]


def _cell(setting: Setting, group: Sequence[Run], base: Sequence[Run]) -> Cell:
    bands = dict.fromkeys(band for run in group for band in run.by_length)
    return Cell(
        setting, group[0].pooler, len({run.seed for run in group}), _mean(group, lambda run: run.accuracy),
        difference(group, base, lambda run: run.accuracy), _mean(group, lambda run: run.macro_f1),
        _mean(group, lambda run: run.seconds_per_epoch), _mean(group, lambda run: run.peak_mb),
        {band: _band(band, group, base) for band in bands},
    )  # fmt: skip  # a table


def _band(band: str, group: Sequence[Run], base: Sequence[Run]) -> Band:
    ours, theirs = ([run for run in those if run.by_length.get(band, (0, 0))[1]] for those in (group, base))

    def share(run: Run) -> float:
        right, texts = run.by_length[band]
        return right / texts

    return Band(ours[0].by_length[band][1], _mean(ours, share), difference(ours, theirs, share))


def _mean(group: Sequence[Run], value: Callable[[Run], float]) -> Number:
    return mean([(value(run), run.source) for run in group])


def mean(values: Sequence[tuple[float, Source]]) -> Number:
    """The mean of what seeds came to, with its interval; a single seed has none."""
    return _number(interval([value for value, _ in values]), [source for _, source in values])


def difference(group: Sequence[Run], base: Sequence[Run], value: Callable[[Run], float]) -> Number | None:
    """The mean difference to the base on the seeds that both ran; the base has none to itself."""
    ours, theirs = ({run.seed: value(run) for run in those} for those in (group, base))
    found = None if group == base else paired(ours, theirs)
    both = [run.source for run in (*group, *base) if run.seed in ours.keys() & theirs.keys()]
    return found and _number(found, both)


def _number(found: Interval, sources: Sequence[Source]) -> Number:
    source = sum(sources[1:], sources[0])
    return Number(found.mean, source, *((found.low, found.high) if math.isfinite(found.low) else ()))


def leaders(table: Sequence[Cell]) -> list[str]:
    """The pooler of the highest mean, then every one whose interval overlaps its interval; one alone is a winner."""
    return best({cell.pooler: _interval(cell) for cell in table})


def _interval(cell: Cell) -> Interval:
    low, high = cell.accuracy.low, cell.accuracy.high
    if low is None or high is None:
        low, high = -math.inf, math.inf
    return Interval(cell.accuracy.value, low, high, cell.seeds)


def poolers(table: Sequence[Cell], study: str) -> list[str]:
    """Those that ran somewhere in the study, and those planned for it."""
    planned = POOLERS if study == MAIN else ()
    return list(dict.fromkeys((*(cell.pooler for cell in table if cell.setting.study == study), *planned)))
