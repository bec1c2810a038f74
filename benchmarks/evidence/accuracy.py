"""Accuracy over seeds: what the runs of a pooler in one setting come to, held against BiConcat on the same seeds."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from benchmarks.accuracy.statistics import Interval, best, interval, paired
from benchmarks.evidence.raw import Raw, Source
from benchmarks.evidence.section import Number

AGAINST = "BiConcatPooler"
LINEAR, MAJORITY = "bag of words, linear", "majority class"
WHOLE = "all lengths"


@dataclass(frozen=True, order=True)
class Setting:
    """What is the same for all poolers of one table."""

    study: str
    dataset: str
    encoder: str
    train_size: int
    variant: str


@dataclass(frozen=True)
class Run:
    """One raw row: a pooler trained once."""

    setting: Setting
    pooler: str
    seed: int
    source: Source
    accuracy: float
    macro_f1: float
    seconds_per_epoch: float
    peak_mb: float
    by_length: dict[str, tuple[int, int]]


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
    by_length: dict[str, tuple[Number, Number | None]]


def runs(files: Sequence[Raw]) -> list[Run]:
    """The raw rows, read.

    Raises:
        ValueError: a number is none.
    """
    return [_run(file, number, record) for file in files for number, record in enumerate(file.records(), 1)]


def _run(file: Raw, number: int, record: dict[str, str]) -> Run:
    try:
        return Run(
            Setting(
                record["study"], record["dataset"], record["encoder"], int(record["train_size"]), record["variant"]
            ),
            record["pooler"], int(record["seed"]), Source(file.name, (number,)), float(record["accuracy"]),
            float(record["macro_f1"]), float(record["seconds_per_epoch"]), float(record["peak_mb"]),
            dict(_bands(record["correct_by_length"])),
        )  # fmt: skip  # a table
    except ValueError as error:
        raise ValueError(f"{file.path}: row {number} cannot be read: {error}") from error


def _bands(text: str) -> Iterator[tuple[str, tuple[int, int]]]:
    """Each band of lengths with what is right and how many there are, out of `0-10:50/60;10-20:7/9`."""
    for part in filter(None, text.split(";")):
        band, _, counts = part.rpartition(":")
        right, _, texts = counts.partition("/")
        yield band, (int(right), int(texts))


def cells(found: Sequence[Run]) -> list[Cell]:
    """One for each setting and pooler, in the order of settings, then of the file."""
    grouped: dict[tuple[Setting, str], list[Run]] = {}
    for run in found:
        grouped.setdefault((run.setting, run.pooler), []).append(run)
    return [
        _cell(grouped[setting, pooler], grouped.get((setting, AGAINST), []))
        for setting, pooler in sorted(grouped, key=lambda key: key[0])
    ]


def _cell(group: Sequence[Run], base: Sequence[Run]) -> Cell:
    first = group[0]
    bands = dict.fromkeys(band for run in group for band, (_, texts) in run.by_length.items() if texts)
    by_length = {}
    for band in bands:
        share = _share(band)
        inside = [[run for run in those if run.by_length.get(band, (0, 0))[1]] for those in (group, base)]
        by_length[band] = (_mean(inside[0], share), _difference(inside[0], inside[1], share))
    return Cell(
        first.setting, first.pooler, len({run.seed for run in group}), _mean(group, lambda run: run.accuracy),
        _difference(group, base, lambda run: run.accuracy), _mean(group, lambda run: run.macro_f1),
        _mean(group, lambda run: run.seconds_per_epoch), _mean(group, lambda run: run.peak_mb), by_length,
    )  # fmt: skip  # a table


def _share(band: str) -> Callable[[Run], float]:
    def share(run: Run) -> float:
        right, texts = run.by_length[band]
        return right / texts

    return share


def _mean(group: Sequence[Run], value: Callable[[Run], float]) -> Number:
    return _number(interval([value(run) for run in group]), group)


def _difference(group: Sequence[Run], base: Sequence[Run], value: Callable[[Run], float]) -> Number | None:
    """The mean difference on the seeds that both ran; none for BiConcat itself."""
    ours, theirs = ({run.seed: value(run) for run in those} for those in (group, base))
    found = None if group == base else paired(ours, theirs)
    return found and _number(found, [run for run in (*group, *base) if run.seed in ours.keys() & theirs.keys()])


def _number(found: Interval, group: Sequence[Run]) -> Number:
    """The interval and its raw rows; a single seed has no interval."""
    source = Source(group[0].source.name, tuple(number for run in group for number in run.source.rows))
    return Number(found.mean, source, *((found.low, found.high) if math.isfinite(found.low) else ()))


def leaders(table: Sequence[Cell]) -> list[str]:
    """The pooler of the highest mean, then every one whose interval overlaps its interval; one alone is a winner."""
    return best({cell.pooler: _interval(cell) for cell in table})


def _interval(cell: Cell) -> Interval:
    low, high = cell.accuracy.low, cell.accuracy.high
    if low is None or high is None:
        low, high = -math.inf, math.inf
    return Interval(cell.accuracy.value, low, high, cell.seeds)
