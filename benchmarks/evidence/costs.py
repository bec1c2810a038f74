"""Paired differences of the studies: accuracy minus that of the same training without what is studied, seed by seed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from benchmarks.accuracy.job import BASELINES
from benchmarks.accuracy.studies.mistakes import CORRECT
from benchmarks.evidence.accuracy import difference
from benchmarks.evidence.grids import Grid, ordered
from benchmarks.evidence.runs import Run, Setting
from benchmarks.evidence.section import Choice, Column, Line, Number, Section, seen


@dataclass(frozen=True)
class Against:
    """What a study's variants are held against: `base` of them, at the same value of `axis` where it names none.

    A row is a value of the variant `row`, or a pooler where there is no such variant.
    """

    key: str
    title: str
    less: str
    base: Mapping[str, str]
    axis: str
    row: str = ""

    @property
    def measure(self) -> str:
        """What the numbers are."""
        return f"accuracy minus that {self.less}"

    def of(self, said: Mapping[str, str]) -> dict[str, str]:
        """The variants of the base; an empty value stands for a variant that it lacks."""
        return {name: value for name, value in {**said, **self.base}.items() if value}


AGAINST = (
    Against("mistakes", "What mistakes cost", f"of {CORRECT}", {"form": CORRECT}, "added", "form"),
    Against("bias", "What added text costs", "with nothing added", {"side": "none", "times": "0"}, "times", "side"),
    Against("masking", "What reading padding costs", "with padding masked", {"padding": ""}, "padding"),
)


def sections(runs: Sequence[Run]) -> Iterator[Section]:
    """One for each kind of difference that there is."""
    for against in AGAINST:
        lines: list[Line] = [
            (grid.title, label, column, number)
            for grid in _grids(runs, against)
            for label, numbers in grid.rows.items()
            for column, number in numbers.items()
        ]
        if lines:
            yield _section(against, lines)


def _section(against: Against, lines: Sequence[Line]) -> Section:
    choices = [Choice(column, seen(lines, column)) for column in range(3)]
    choices[0] = Choice(0, choices[0].values, choices[0].values[0])
    columns = [
        *(Column(name, text=True) for name in ("model", against.row or "pooler", against.axis)),
        Column(against.measure, False, 3, True),
    ]
    note = f"Mean and 95% t-interval over seeds of the {against.measure}, each of the same training."
    return Section(
        f"{against.key}-costs", against.title, columns, lines, choices, (1,), 3, "not run", in_order=True, notes=(note,)
    )


def grids(runs: Sequence[Run]) -> Iterator[Grid]:
    """One for each setting of a study, and each pooler where forms of its model are compared."""
    for against in AGAINST:
        yield from _grids(runs, against)


def _grids(runs: Sequence[Run], against: Against) -> Iterator[Grid]:
    groups: dict[tuple[Setting, str], list[Run]] = {}
    for run in runs:
        said = run.setting.variants
        if run.setting.study == against.key and run.pooler not in BASELINES:
            rest = {name: value for name, value in said.items() if name not in (against.row, against.axis)}
            variant = "; ".join(f"{name}={value}" for name, value in rest.items())
            groups.setdefault((replace(run.setting, variant=variant), run.pooler if against.row else ""), []).append(
                run
            )
    for (setting, pooler), group in groups.items():
        if rows := _rows(group, against):
            title = ", ".join(filter(None, (setting.dataset, setting.encoder, pooler, setting.variant)))
            columns = ordered(column for numbers in rows.values() for column in numbers)
            yield Grid(setting.study, title, against.measure, against.axis, columns, rows)


def _rows(group: Sequence[Run], against: Against) -> dict[str, dict[str, Number]]:
    trained: dict[tuple[str, frozenset[tuple[str, str]]], list[Run]] = {}
    for run in group:
        trained.setdefault((run.pooler, frozenset(run.setting.variants.items())), []).append(run)
    rows: dict[str, dict[str, Number]] = {}
    for (pooler, _), found in trained.items():
        said = found[0].setting.variants
        base = trained.get((pooler, frozenset(against.of(said).items())), [])
        apart = difference(found, base, lambda run: run.accuracy)
        if apart is not None:
            rows.setdefault(said[against.row] if against.row else pooler, {})[said[against.axis]] = apart
    return rows
