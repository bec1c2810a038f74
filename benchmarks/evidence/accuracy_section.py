"""Accuracy as a section of the page: a line for each setting, pooler and band of lengths, run or not."""

from collections.abc import Iterator, Sequence

from benchmarks.accuracy.plan import Plan
from benchmarks.evidence.accuracy import AGAINST, MAIN, PLANNED, WHOLE, Cell, poolers
from benchmarks.evidence.runs import Setting
from benchmarks.evidence.section import Choice, Column, Line, Number, Section, seen

ABSENT = "not run"
NAMES = ("study", "dataset", "encoder", "train size", "epochs", "variant", "length band", "pooler", "seeds")
COLUMNS = (
    *(Column(name, text=True) for name in NAMES), Column("accuracy", digits=3),
    Column("minus BiConcat", digits=3, signed=True), Column("macro-F1", digits=3), Column("seconds an epoch"),
    Column("peak MB", digits=0), Column("test texts", digits=0),
)  # fmt: skip  # a table
BAND, POOLER, ACCURACY = NAMES.index("length band"), NAMES.index("pooler"), len(NAMES)
PLAN = (Plan().encoder, "all", "any", "none")
"""Encoder, train size, epochs and variant of what is planned and not run."""
FIRST = ("study", "dataset", "encoder")
NOTE = (
    "Mean and 95% t-interval over seeds, which says nothing of the choice of test texts; the difference to "
    "BiConcat is taken seed by seed. Where an interval of differences holds 0, the two are a tie. "
    "Length bands count tokens of the test texts."
)


def section(cells: Sequence[Cell]) -> Section:
    """All bands of all cells, and what was planned and not run."""
    lines = [line for cell in cells for line in _lines(cell)]
    lines += _missing(cells)
    choices = []
    for column in range(POOLER):
        found = seen(lines, column)
        first = WHOLE if column == BAND else found[0] if NAMES[column] in FIRST else ""
        choices.append(Choice(column, found, first))
    return Section("accuracy", "Accuracy", COLUMNS, lines, choices, (POOLER,), ACCURACY, ABSENT, notes=(NOTE,))


def _lines(cell: Cell) -> Iterator[Line]:
    names = _names(cell.setting)
    costs = (cell.seconds_per_epoch, cell.peak_mb)
    about = (cell.pooler, str(cell.seeds))
    texts = sum(band.texts for band in cell.by_length.values())
    source = cell.accuracy.source
    difference = _apart(cell, cell.difference)
    yield (*names, WHOLE, *about, cell.accuracy, difference, cell.macro_f1, *costs, Number(texts, source))
    for name, band in cell.by_length.items():
        difference = _apart(cell, band.difference)
        yield (*names, name, *about, band.accuracy, difference, "", *costs, Number(band.texts, source))


def _apart(cell: Cell, difference: Number | None) -> Number | str | None:
    """The difference to BiConcat, which has none to itself."""
    return "" if cell.pooler == AGAINST else difference


def _names(setting: Setting) -> tuple[str, ...]:
    size, epochs = str(setting.train_size), str(setting.epochs)
    return setting.study, setting.dataset, setting.encoder, size, epochs, setting.variant or "none"


def _missing(cells: Sequence[Cell]) -> Iterator[Line]:
    """Poolers that ran elsewhere in the study or are planned, and datasets that are."""
    nothing = ("0", None, None, None, None, None, None)
    for setting in dict.fromkeys(cell.setting for cell in cells if cell.setting.whole):
        there = {cell.pooler for cell in cells if cell.setting == setting}
        absent = [name for name in poolers(cells, setting.study) if name not in there]
        yield from ((*_names(setting), WHOLE, name, *nothing) for name in absent)
    ran = {cell.setting.dataset for cell in cells if cell.setting.study == MAIN}
    for dataset in PLANNED:
        if dataset not in ran:
            names = (MAIN, dataset, *PLAN, WHOLE)
            yield from ((*names, name, *nothing) for name in poolers(cells, MAIN))
