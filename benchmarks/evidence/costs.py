"""What the forms of one trained model cost: accuracy minus that of its own pooler, seed by seed."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from benchmarks.accuracy.studies.mistakes import CORRECT
from benchmarks.evidence.accuracy import difference
from benchmarks.evidence.grids import Grid, ordered
from benchmarks.evidence.runs import Run, Setting
from benchmarks.evidence.section import Choice, Column, Line, Number, Section, seen

FORM, ADDED = "form", "added"
MEASURE = f"accuracy minus that of {CORRECT}"


def sections(runs: Sequence[Run]) -> Iterator[Section]:
    """One, where there are forms of a trained model."""
    lines: list[Line] = [
        (grid.title, form, added, number)
        for grid in grids(runs)
        for form, numbers in grid.rows.items()
        for added, number in numbers.items()
    ]
    if not lines:
        return
    choices = [Choice(column, seen(lines, column)) for column in range(3)]
    choices[0] = Choice(0, choices[0].values, choices[0].values[0])
    columns = [
        *(Column(name, text=True) for name in ("model", FORM, f"{ADDED} padding")),
        Column(MEASURE, False, 3, True),
    ]
    note = (
        "Mean and 95% t-interval over seeds of the accuracy of each form minus that of the trained model's own pooler."
    )
    yield Section(
        "costs", "What mistakes cost", columns, lines, choices, (1,), 3, "not run", in_order=True, notes=(note,)
    )


def grids(runs: Sequence[Run]) -> Iterator[Grid]:
    """One a dataset and pooler: a row a form, a column an amount of padding."""
    groups: dict[tuple[Setting, str], list[Run]] = {}
    for run in runs:
        if FORM in run.setting.variants:
            groups.setdefault((replace(run.setting, variant=""), run.pooler), []).append(run)
    for (setting, pooler), group in groups.items():
        title = f"{setting.dataset}, {setting.encoder}, {pooler}"
        columns = ordered(run.setting.variants[ADDED] for run in group)
        if rows := _rows(group):
            yield Grid(setting.study, title, MEASURE, ADDED, columns, rows)


def _rows(group: Sequence[Run]) -> dict[str, dict[str, Number]]:
    cells: dict[str, dict[str, list[Run]]] = {}
    for run in group:
        said = run.setting.variants
        cells.setdefault(said[FORM], {}).setdefault(said[ADDED], []).append(run)
    rows: dict[str, dict[str, Number]] = {}
    for form, by_padding in cells.items():
        for added, found in by_padding.items():
            base = cells.get(CORRECT, {}).get(added, [])
            apart = difference(found, base, lambda run: run.accuracy)
            if apart is not None:
                rows.setdefault(form, {})[added] = apart
    return rows
