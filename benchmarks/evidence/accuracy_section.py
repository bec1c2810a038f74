"""Accuracy as a section of the page: a line for each setting, pooler and band of lengths, run or not."""

from collections.abc import Iterator, Sequence

from benchmarks.evidence.accuracy import AGAINST, WHOLE, Cell
from benchmarks.evidence.section import Choice, Column, Line, Number, Section, seen

ABSENT = "not run"
COLUMNS = (
    *(Column(name, text=True) for name in ("study", "dataset", "encoder", "train size", "variant", "length band")),
    Column("pooler", text=True), Column("seeds", text=True), Column("accuracy", digits=3),
    Column("minus BiConcat", digits=3, signed=True), Column("macro-F1", digits=3), Column("seconds an epoch"),
    Column("peak MB"),
)  # fmt: skip  # a table
FIRST = {3: "", 4: "", 5: WHOLE}
NOTE = (
    "Mean and 95% t-interval over seeds; the difference to BiConcat is taken seed by seed. Where an interval of "
    "differences holds 0, the two are a tie. Length bands count tokens of the test texts."
)


def section(cells: Sequence[Cell]) -> Section | None:
    """All bands of all cells, and the poolers that a setting lacks."""
    if not cells:
        return None
    lines = [line for cell in cells for line in _lines(cell)] + list(_missing(cells))
    choices = []
    for column in range(6):
        found = seen(lines, column)
        choices.append(Choice(column, found, FIRST.get(column, found[0])))
    return Section("accuracy", "Accuracy", COLUMNS, lines, choices, (6,), 8, ABSENT, notes=(NOTE,))


def _lines(cell: Cell) -> Iterator[Line]:
    names = _names(cell)
    numbers = (cell.macro_f1, cell.seconds_per_epoch, cell.peak_mb)
    yield (*names, WHOLE, cell.pooler, str(cell.seeds), cell.accuracy, _apart(cell, cell.difference), *numbers)
    for band, (accuracy, difference) in cell.by_length.items():
        yield (*names, band, cell.pooler, str(cell.seeds), accuracy, _apart(cell, difference), "", *numbers[1:])


def _apart(cell: Cell, difference: Number | None) -> Number | str | None:
    """The difference to BiConcat, which has none to itself."""
    return "" if cell.pooler == AGAINST else difference


def _names(cell: Cell) -> tuple[str, ...]:
    setting = cell.setting
    return setting.study, setting.dataset, setting.encoder, str(setting.train_size), setting.variant or "none"


def _missing(cells: Sequence[Cell]) -> Iterator[Line]:
    """Poolers that ran elsewhere in the study."""
    for setting in dict.fromkeys(cell.setting for cell in cells):
        there = {cell.pooler for cell in cells if cell.setting == setting}
        names = _names(next(cell for cell in cells if cell.setting == setting))
        for pooler in dict.fromkeys(cell.pooler for cell in cells if cell.setting.study == setting.study):
            if pooler not in there:
                yield (*names, WHOLE, pooler, "0", None, None, None, None, None)
