"""Accuracy over seeds: what the runs of a pooler in one setting come to, held against BiConcat on the same seeds."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from benchmarks.accuracy.job import BASELINES
from benchmarks.accuracy.statistics import Interval, best, interval
from benchmarks.accuracy.study import STUDIES
from benchmarks.evidence.raw import Source
from benchmarks.evidence.runs import Run, Setting
from benchmarks.evidence.section import Number

AGAINST = "BiConcatPooler"
WHOLE = "all lengths"
MAIN = "poolers"
"""The study that compares poolers; what its plan names and no file holds is not run."""
ALIKE = "the same for every seed"
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
    peak_mb: Number | None
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
        same = [setting for setting in trained if _reads_as(setting, run.setting)]
        for setting in same if run.pooler in BASELINES and same else [run.setting]:
            grouped.setdefault((setting, run.pooler), []).append(run)
    return [
        _cell(setting, grouped[setting, pooler], grouped.get((setting, AGAINST), []))
        for setting, pooler in sorted(grouped, key=lambda key: (key[0].study != MAIN, key[0]))
    ]


def _reads_as(setting: Setting, baseline: Setting) -> bool:
    cut, theirs = (one.variants.get("max_tokens") for one in (setting, baseline))
    return (setting.study, setting.texts, cut) == (baseline.study, baseline.texts, theirs)


def _cell(setting: Setting, runs: Sequence[Run], base: Sequence[Run]) -> Cell:
    alike = _alike(setting, runs)
    group = runs[:1] if alike else runs
    # What is the same for every seed is held against all that BiConcat ran.
    each = [replace(runs[0], seed=run.seed) for run in base] if alike else group
    bands = dict.fromkeys(band for run in group for band in run.by_length)
    accuracy = _share(group, lambda run: run.accuracy)
    return Cell(
        setting, group[0].pooler, len({run.seed for run in runs}),
        replace(accuracy, note=", ".join(filter(None, (ALIKE if alike else "", accuracy.note)))),
        difference(each, base, lambda run: run.accuracy), _share(group, lambda run: run.macro_f1),
        _mean(runs, lambda run: run.seconds_per_epoch), _peak(runs),
        {band: _band(band, group, each, base) for band in bands},
    )  # fmt: skip  # a table


def _alike(setting: Setting, runs: Sequence[Run]) -> bool:
    """Whether seeds change nothing: a baseline that draws no texts by its seed is run once."""
    study = STUDIES.get(setting.study)
    once = len(runs) == 1 and study is not None and study.sizes is None
    return runs[0].pooler in BASELINES and (once or (len(runs) > 1 and len({run.accuracy for run in runs}) == 1))


def _band(band: str, group: Sequence[Run], each: Sequence[Run], base: Sequence[Run]) -> Band:
    ours, compared, theirs = (
        [run for run in those if run.by_length.get(band, (0, 0))[1]] for those in (group, each, base)
    )

    def correct(run: Run) -> float:
        right, texts = run.by_length[band]
        return right / texts

    return Band(group[0].by_length[band][1], _share(ours, correct), difference(compared, theirs, correct))


def _mean(group: Sequence[Run], value: Callable[[Run], float]) -> Number:
    return mean([(value(run), run.source) for run in group], _commits(group))


def _share(group: Sequence[Run], value: Callable[[Run], float]) -> Number:
    return share(_mean(group, value))


def share(found: Number) -> Number:
    """The mean of shares, whose interval ends where they do."""
    if found.low is None or found.high is None:
        return found
    return replace(found, low=max(0.0, found.low), high=min(1.0, found.high))


def _peak(group: Sequence[Run]) -> Number | None:
    known = [(run.peak_mb, run.source) for run in group if run.peak_mb is not None]
    return mean(known) if known else None


def _commits(group: Iterable[Run]) -> str:
    found = {run.commit for run in group}
    return f"{len(found)} commits" if len(found) > 1 else ""


def mean(
    values: Sequence[tuple[float, Source]], note: str = "", spread: Callable[[Sequence[float]], Interval] = interval
) -> Number:
    """The mean of what seeds came to, with its interval; a single seed has none, nor has what is not finite."""
    found, source = spread([value for value, _ in values]), sum((source for _, source in values[1:]), values[0][1])
    if math.isinf(found.high):
        return Number(found.mean, source, note=note)
    return Number(found.mean, source, found.low, found.high, note)


def difference(group: Sequence[Run], base: Sequence[Run], value: Callable[[Run], float]) -> Number | None:
    """The mean difference to the base on the seeds that both ran; the base has none to itself."""
    theirs = {run.seed: run for run in base}
    both = [(run, theirs[run.seed]) for run in group if run.seed in theirs]
    if group == base or not both:
        return None
    seeds = f"{len(both)} seed{'s' if len(both) > 1 else ''}" if len(both) < len(group) else ""
    note = ", ".join(filter(None, (seeds, _commits(run for pair in both for run in pair))))
    found = mean([(value(run) - value(other), run.source) for run, other in both], note)
    return replace(found, source=sum((other.source for _, other in both), found.source))


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
