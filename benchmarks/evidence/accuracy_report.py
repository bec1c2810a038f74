"""Accuracy as lines of the report: who leads, a table a setting, accuracy by length."""

from collections.abc import Collection, Iterator, Sequence
from itertools import groupby

from benchmarks.accuracy.job import LINEAR
from benchmarks.accuracy.study import STUDIES
from benchmarks.evidence.accuracy import AGAINST, MAIN, PLANNED, Cell, leaders, poolers
from benchmarks.evidence.grids import Grid, lines
from benchmarks.evidence.markdown import Plots, linked, plain, table, written
from benchmarks.evidence.raw import Raw
from benchmarks.evidence.runs import Setting
from benchmarks.evidence.section import Number

NOT_RUN = "not run"
ALONE = "the only pooler that ran"
BETTER, WORSE, TIE = "**better**", "**worse**", "tie"
HOW = """Mean and 95% t-interval over seeds, on the test split, which is read once; an interval of accuracies ends at
0 and 1. It tells how far seeds differ, and nothing of the choice of test texts: another 500 texts of TREC's kind
would move an accuracy of 0.85 by up to 0.03 either way (95%). The difference to BiConcat is taken seed by seed and
has its own interval: **better** or **worse** where that interval leaves 0 out, a tie where it holds 0; where both
share fewer seeds than the pooler ran, their number stands behind it. Of many differences about one in twenty leaves 0
out by chance alone. A setting has a winner only where two poolers or more ran, and the interval of the highest mean
overlaps no other pooler's. Where rows of several commits make up a number, it says so.

The bag of words reads whole texts; networks read the first `max_tokens` tokens of each, as their recipe or the
setting says. Where a baseline draws nothing by its seed it is run once, and held against every seed of BiConcat. A
baseline's seconds are those of its whole fit."""
HEADS = ("pooler", "seeds", "accuracy", "minus BiConcat", "", "macro-F1", "seconds an epoch", "peak MB")


def report(
    files: Sequence[Raw], cells: Sequence[Cell], grids: Sequence[Grid], plots: Plots, curves: Collection[str]
) -> Iterator[str]:
    """Every study, every setting; `curves` names studies that are reported elsewhere."""
    yield from ("## Accuracy", "", HOW, "")
    if cells:
        yield from (f"Raw rows: {', '.join(linked(file) for file in files)}. {_facts(files)}", "")
    yield from _absent(cells, curves)
    for study in dict.fromkeys(cell.setting.study for cell in cells):
        yield from (f"### {plain(study)}", "")
        yield from (f"![{plain(name)}]({path})\n" for name, path in plots.get(study, ()))
        yield from _study([cell for cell in cells if cell.setting.study == study], poolers(cells, study))
        yield from (line for grid in grids if grid.study == study for line in lines(grid))


def _absent(cells: Sequence[Cell], curves: Collection[str]) -> Iterator[str]:
    """Planned datasets and studies of which there is no row."""
    datasets = {cell.setting.dataset for cell in cells if cell.setting.study == MAIN}
    studies = {*curves, *(cell.setting.study for cell in cells)}
    planned = (("datasets", PLANNED, datasets), ("studies", STUDIES, studies))
    for kind, names, ran in planned:
        if absent := [plain(name) for name in names if name not in ran]:
            yield f"{kind.capitalize()} planned and {NOT_RUN}: {', '.join(absent)}."
    yield from ("`python -m benchmarks accuracy` runs what is left; `--study NAME` a study.", "")


def _facts(files: Sequence[Raw]) -> str:
    """What the rows depend on, each value once."""
    records = [record for file in files for record in file.records()]
    found = {name: sorted({record[name] for record in records}) for name in ("machine", "torch", "lightning", "commit")}
    dates = sorted(record["date"][:10] for record in records)
    said = (f"{name} {plain(' | '.join(values))}" for name, values in found.items())
    return f"{'; '.join(said)}; {dates[0]} to {dates[-1]}."


def _study(cells: Sequence[Cell], names: Sequence[str]) -> Iterator[str]:
    """Settings in which poolers can be compared."""
    groups = {setting: list(group) for setting, group in groupby(cells, lambda cell: cell.setting)}
    compared = {setting: group for setting, group in groups.items() if setting.whole and len(group) > 1}
    if not compared:
        return
    heads = ("setting", "highest mean", "better than BiConcat", "worse", "tied", "bag of words")
    yield from (*table(heads, [_summary(setting, group) for setting, group in compared.items()]), "")
    for setting, group in compared.items():
        found = {cell.pooler: cell for cell in group}
        yield from (f"#### {title(setting)}", "")
        yield from (*table(HEADS, [_line(cell) for cell in sorted(group, key=_rank)]), "")
        yield from (_verdict(found), "")
        if missing := [plain(name) for name in names if name not in found]:
            yield from (f"Not run: {', '.join(missing)}.", "")
        yield from _by_length(group)


def title(setting: Setting) -> str:
    """A setting in words."""
    size, epochs = f"{setting.train_size:,} training texts", f"{setting.epochs} epochs"
    return ", ".join(map(plain, filter(None, (setting.dataset, setting.encoder, size, epochs, setting.variant))))


def _summary(setting: Setting, group: Sequence[Cell]) -> Sequence[str]:
    """Who leads, and who is told apart from BiConcat."""
    trained = [cell for cell in group if cell.trained]
    verdicts = [(judged(cell.difference), plain(cell.pooler)) for cell in trained]
    lists = (", ".join(name for verdict, name in verdicts if verdict == wanted) for wanted in (BETTER, WORSE, TIE))
    bag = next((written(cell.accuracy) for cell in group if cell.pooler == LINEAR), NOT_RUN)
    return (title(setting), _leader(trained), *(names or "none" for names in lists), bag)


def _leader(trained: Sequence[Cell]) -> str:
    if not trained:
        return NOT_RUN
    best, *others = leaders(trained)
    first = next(cell for cell in trained if cell.pooler == best)
    told = f"{len(others)} overlap" if others else "**the winner**" if len(trained) > 1 else ALONE
    return f"{plain(best)} {written(first.accuracy)}, {'one seed' if first.seeds == 1 else told}"


def _rank(cell: Cell) -> float:
    return -cell.accuracy.value


def _line(cell: Cell) -> Sequence[str]:
    return (
        plain(cell.pooler), str(cell.seeds), written(cell.accuracy), written(cell.difference, "+.3f"),
        judged(cell.difference), f"{cell.macro_f1.value:.3f}", f"{cell.seconds_per_epoch.value:.3g}",
        f"{cell.peak_mb.value:,.0f}" if cell.peak_mb else "",
    )  # fmt: skip  # a table


def judged(difference: Number | None) -> str:
    """Better, worse or a tie; with one seed there is no telling."""
    if difference is None:
        return ""
    if difference.low is None or difference.high is None:
        return "one seed"
    return BETTER if difference.low > 0 else WORSE if difference.high < 0 else TIE


def _verdict(found: dict[str, Cell]) -> str:
    """Who leads, or why nobody does; and whether the linear model is beaten."""
    trained = [cell for cell in found.values() if cell.trained]
    if not trained:
        return "No pooler ran yet."
    best, *others = leaders(trained)
    if len(trained) == 1:
        told = f"{ALONE}: **no winner**."
    elif any(cell.seeds == 1 for cell in trained):
        told = "one seed has no interval: **no winner**."
    elif not others:
        told = "**the winner**: its interval overlaps no other pooler's."
    elif len(others) == len(trained) - 1:
        told = "its interval overlaps that of every other pooler: **no winner**."
    else:
        told = f"its interval overlaps those of {', '.join(map(plain, others))}: **no winner**."
    said = [f"Highest mean: {plain(best)}, {found[best].accuracy.value:.3f}; {told}"]
    if bag := found.get(LINEAR):
        above = sum(cell.accuracy.value > bag.accuracy.value for cell in trained)
        said.append(f"{above} of {len(trained)} poolers have a mean above the bag of words.")
    if AGAINST not in found:
        said.append("BiConcat did not run here, so there are no differences to it.")
    return " ".join(said)


def _by_length(cells: Sequence[Cell]) -> Iterator[str]:
    texts = {name: band.texts for cell in cells for name, band in cell.by_length.items()}
    if len(texts) < 2:
        return
    yield from ("Accuracy by length in tokens, and how many test texts there are of it:", "")
    bands = sorted(texts, key=lambda name: int(name.partition("-")[0]))
    rows = [
        (
            plain(cell.pooler),
            *(written(cell.by_length[name].accuracy) if name in cell.by_length else "" for name in bands),
        )
        for cell in sorted(cells, key=_rank)
    ]
    yield from (*table(("pooler", *(f"{plain(name)} ({texts[name]:,})" for name in bands)), rows), "")
