"""Curves of trained models, by step or by position: means over seeds, as a section of the page and as grids."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.accuracy.statistics import geometric
from benchmarks.accuracy.studies.gradients import NORM, RATIO
from benchmarks.accuracy.studies.importance import IMPORTANCE
from benchmarks.evidence.accuracy import mean, share
from benchmarks.evidence.grids import Grid, lines, ordered
from benchmarks.evidence.markdown import Plots, linked, plain
from benchmarks.evidence.raw import Raw, Source
from benchmarks.evidence.section import Choice, Column, Line, Number, Section, seen

PLACE = ("study", "dataset", "content_hash", "encoder", "train_size", "epochs", "variant")
NAMES = (*PLACE, "measure", "pooler", "step", "position")
SHOWN = tuple(name for name in NAMES if name != "content_hash")
CHOSEN = ("study", "dataset", "encoder", "measure", "pooler")
"""What the page chooses one of at first; the others are open."""
SPREAD = (
    "Of gradient norms and vanishing ratios, which differ by orders of magnitude from seed to seed, the mean is the "
    "geometric one and the interval that of the logarithms; an interval of word importance ends at 0 and 1."
)
Curve = tuple[str, ...]
"""File, the values of `PLACE`, and pooler: what seeds share."""


@dataclass(frozen=True)
class Reading:
    """A raw row; `names` are the values of `NAMES`, `curve` is what seeds share."""

    names: dict[str, str]
    curve: Curve
    seed: str
    step: int
    value: float
    source: Source


@dataclass(frozen=True)
class Point:
    """One number of a curve, over seeds; `names` are the values of `NAMES`, `look` counts the steps it is known of."""

    names: tuple[str, ...]
    look: int
    seeds: int
    value: Number

    def __getitem__(self, name: str) -> str:
        """The value of a name."""
        return self.names[NAMES.index(name)]


def points(files: Sequence[Raw]) -> list[Point]:
    """One for each point of each curve: over seeds, look by look, for seeds may differ in the steps of an epoch.

    Raises:
        ValueError: a value is no number, or a norm below 0, or a point is there twice.
    """
    read = [_reading(file, number, record) for file in files for number, record in enumerate(file.records(), 1)]
    _refuse_twice(read)
    steps: dict[tuple[Curve, str, str], set[int]] = {}
    for one in read:
        steps.setdefault((one.curve, one.seed, one.names["measure"]), set()).add(one.step)
    looks = {run: {step: look for look, step in enumerate(sorted(found))} for run, found in steps.items()}
    grouped: dict[tuple[Curve, str, int, str], list[Reading]] = {}
    spans: dict[tuple[Curve, str, int], set[int]] = {}
    for one in read:
        measure = one.names["measure"]
        look = looks[one.curve, one.seed, measure][one.step]
        grouped.setdefault((one.curve, measure, look, one.names["position"]), []).append(one)
        spans.setdefault((one.curve[:-1], measure, look), set()).add(one.step)
    return [
        _point(group, look, spans[curve[:-1], measure, look]) for (curve, measure, look, _), group in grouped.items()
    ]


def _point(group: Sequence[Reading], look: int, steps: set[int]) -> Point:
    span = str(min(steps)) if len(steps) == 1 else f"{min(steps)} to {max(steps)}"
    names = {**group[0].names, "step": span}
    values = [(one.value, one.source) for one in group]
    return Point(tuple(names[name] for name in NAMES), look, len(group), _mean(names["measure"], values))


def _mean(measure: str, values: Sequence[tuple[float, Source]]) -> Number:
    if measure in (NORM, RATIO):
        return mean(values, spread=geometric)
    return share(mean(values)) if measure == IMPORTANCE else mean(values)


def _reading(file: Raw, number: int, record: dict[str, str]) -> Reading:
    names = {name: record[name] for name in NAMES}
    curve = (file.name, *(record[name] for name in PLACE), record["pooler"])
    try:
        step, value = int(record["step"]), float(record["value"])
    except ValueError as error:
        raise ValueError(f"{file.path}: row {number} cannot be read: {error}") from error
    if names["measure"] in (NORM, RATIO) and value < 0:
        raise ValueError(f"{file.path}: row {number}: a {names['measure']} is never below 0, {value:g} came")
    return Reading(names, curve, record["seed"], step, value, Source(file.name, (number,)))


def _refuse_twice(read: Sequence[Reading]) -> None:
    first: dict[tuple[str, ...], Reading] = {}
    for one in read:
        key = (one.seed, *one.names.values())
        if (known := first.setdefault(key, one)) is not one:
            raise ValueError(
                f"a point counts once, {known.source} and {one.source} are the same: remove one of the rows"
            )


def sections(found: Sequence[Point]) -> Iterator[Section]:
    """One, where there is a curve."""
    if not found:
        return
    rows: list[Line] = [(*_shown(point, found), str(point.seeds), point.value) for point in found]
    columns = [*(Column(name.replace("_", " "), text=True) for name in (*SHOWN, "seeds")), Column("value")]
    choices = []
    for column, name in enumerate(SHOWN):
        values = seen(rows, column)
        choices.append(Choice(column, values, values[0] if name in CHOSEN else ""))
    note = (
        "Mean and 95% t-interval over seeds, after a step of training, at a position in the text. "
        "Where seeds differ in the steps of an epoch, the first and the last of them are given. "
    )
    yield Section(
        "curves", "Curves", columns, rows, choices, (SHOWN.index("pooler"),), len(SHOWN) + 1, "not run",
        notes=(note + SPREAD,), in_order=True, decades=True,
    )  # fmt: skip  # a table


def _shown(point: Point, found: Sequence[Point]) -> Iterator[str]:
    """The names; a dataset that came in several states is told apart by its hash."""
    several = len({other["content_hash"] for other in found if other["dataset"] == point["dataset"]}) > 1
    for name in SHOWN:
        state = f" {point['content_hash']}" if several and name == "dataset" else ""
        yield f"{point[name] or 'none'}{state}"


def grids(found: Sequence[Point]) -> Iterator[Grid]:
    """One a study, dataset and measure: by step, or by position at the first, a middle and the last look."""
    kinds = ("study", "dataset", "content_hash", "encoder", "train_size", "measure")
    groups: dict[tuple[str, ...], list[Point]] = {}
    for point in found:
        groups.setdefault(tuple(point[name] for name in kinds), []).append(point)
    for (study, dataset, _, encoder, size, measure), group in groups.items():
        title = f"{dataset}, {encoder}, {int(size):,} training texts"
        if len({point["position"] for point in group}) == 1:
            inorder = sorted(group, key=lambda point: point.look)
            columns = list(dict.fromkeys(point["step"] for point in inorder))
            yield Grid(study, title, measure, "step", columns, _rows(group, "step"))
            continue
        for look in _looks(group):
            shown = [point for point in group if point.look == look]
            steps = " and ".join(dict.fromkeys(point["step"] for point in shown))
            columns = ordered(point["position"] for point in shown)
            yield Grid(study, f"{title}, after step {steps}", measure, "position", columns, _rows(shown, "position"))


def _rows(shown: Sequence[Point], axis: str) -> dict[str, dict[str, Number]]:
    several = [name for name in ("variant", "epochs") if len({point[name] for point in shown}) > 1]
    rows: dict[str, dict[str, Number]] = {}
    for point in shown:
        label = ", ".join(filter(None, (point["pooler"], *(point[name] for name in several))))
        rows.setdefault(label, {})[point[axis]] = point.value
    return rows


def _looks(group: Sequence[Point]) -> list[int]:
    """The first look, one in the middle and the last, of those that every seed of every curve came to."""
    curves: dict[tuple[str, ...], dict[int, int]] = {}
    for point in group:
        curves.setdefault((point["pooler"], point["variant"], point["epochs"]), {})[point.look] = point.seeds
    last = min(max(look for look in seeds if seeds[look] == max(seeds.values())) for seeds in curves.values())
    return sorted({0, last // 2, last})


def report(files: Sequence[Raw], found: Sequence[Grid], plots: Plots) -> Iterator[str]:
    """Every grid, its plot above."""
    if not files:
        return
    yield from ("## Curves", "", f"Mean and 95% t-interval over seeds. {SPREAD}", "")
    yield from (f"Raw rows: {', '.join(linked(file) for file in files)}.", "")
    for study in dict.fromkeys(grid.study for grid in found):
        yield from (f"### {plain(study)}", "")
        yield from (f"![{plain(title)}]({path})\n" for title, path in plots.get(study, ()))
        for grid in found:
            if grid.study == study:
                yield from lines(grid)
