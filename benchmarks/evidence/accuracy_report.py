"""Accuracy as lines of the report: a table a setting, who leads, and accuracy by length."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from benchmarks.evidence.accuracy import AGAINST, LINEAR, MAJORITY, Cell, Setting, leaders
from benchmarks.evidence.markdown import linked, plain, table
from benchmarks.evidence.raw import Raw
from benchmarks.evidence.section import Number

NOT_RUN = "not run"
BETTER, WORSE, TIE = "**better**", "**worse**", "tie"
HOW = """Mean and 95% t-interval over seeds, on the test split, which is read once. The difference to BiConcat is taken
seed by seed and has its own interval: **better** or **worse** where that interval leaves 0 out, a tie where it holds 0.
Of many differences about one in twenty leaves 0 out by chance alone. A setting has a winner only where the interval of
the highest mean overlaps no other pooler's."""


Plots = dict[str, list[tuple[str, Path]]]


def report(files: Sequence[Raw], cells: Sequence[Cell], plots: Plots) -> Iterator[str]:
    """Every study, every setting."""
    yield from ("## Accuracy", "", HOW, "")
    if not cells:
        yield from ("Not run: there is no accuracy CSV among the results.", "")
        return
    yield from (f"Raw rows: {', '.join(linked(file) for file in files)}. {_facts(files)}", "")
    for study, of_study in groupby(cells, lambda cell: cell.setting.study):
        yield from (f"### {plain(study)}", "")
        yield from (f"![{title_}]({path.parent.name}/{path.name})\n" for title_, path in plots.get(study, ()))
        group = list(of_study)
        yield from _summary(group)
        yield from _study(group)


def _facts(files: Sequence[Raw]) -> str:
    """What the rows depend on, each value once."""
    records = [record for file in files for record in file.records()]
    found = {name: sorted({record.get(name, "") for record in records}) for name in ("machine", "torch", "lightning")}
    dates = sorted(record["date"] for record in records if record.get("date"))
    span = f"; {dates[0][:10]} to {dates[-1][:10]}" if dates else ""
    return "; ".join(f"{name} {plain(', '.join(values))}" for name, values in found.items()) + span + "."


def _summary(cells: Sequence[Cell]) -> Iterator[str]:
    """A line a setting: who leads, and who is told apart from BiConcat."""
    rows = []
    for setting, group in groupby(cells, lambda cell: cell.setting):
        found = {cell.pooler: cell for cell in group}
        trained = [cell for name, cell in found.items() if name not in (LINEAR, MAJORITY)]
        verdicts = [(judged(cell.difference), plain(cell.pooler)) for cell in trained]
        lists = (", ".join(name for verdict, name in verdicts if verdict == wanted) for wanted in (BETTER, WORSE, TIE))
        bag = written(found[LINEAR].accuracy) if LINEAR in found else NOT_RUN
        rows.append((title(setting), _leader(trained), *(names or "none" for names in lists), bag))
    heads = ("setting", "highest mean", "better than BiConcat", "worse", "tied", "bag of words")
    yield from (*table(heads, rows), "")


def _leader(trained: Sequence[Cell]) -> str:
    if not trained:
        return NOT_RUN
    best, *others = leaders(trained)
    number = next(cell.accuracy for cell in trained if cell.pooler == best)
    apart = "the only one" if len(trained) == 1 else "**the winner**"
    return f"{plain(best)} {written(number)}, {f'{len(others)} overlap' if others else apart}"


def _study(cells: Sequence[Cell]) -> Iterator[str]:
    poolers = list(dict.fromkeys(cell.pooler for cell in cells))
    for setting, group in groupby(cells, lambda cell: cell.setting):
        found = {cell.pooler: cell for cell in group}
        yield from (f"#### {title(setting)}", "")
        yield from table(
            ("pooler", "seeds", "accuracy", "minus BiConcat", "", "macro-F1", "seconds an epoch", "peak MB"),
            [_line(pooler, found.get(pooler)) for pooler in sorted(poolers, key=lambda name: _rank(found.get(name)))],
        )
        yield from ("", _verdict(found), "")
        yield from _by_length(list(found.values()))


def title(setting: Setting) -> str:
    """A setting in words."""
    variant = f", {plain(setting.variant)}" if setting.variant else ""
    return f"{plain(setting.dataset)}, {plain(setting.encoder)}, {setting.train_size:,} training texts{variant}"


def _rank(cell: Cell | None) -> float:
    return -cell.accuracy.value if cell else 1.0


def _line(pooler: str, cell: Cell | None) -> Sequence[str]:
    if cell is None:
        return (plain(pooler), "0", NOT_RUN, *[""] * 5)
    return (
        plain(pooler), str(cell.seeds), written(cell.accuracy), written(cell.difference, signed=True),
        judged(cell.difference), f"{cell.macro_f1.value:.3f}", f"{cell.seconds_per_epoch.value:.3g}",
        f"{cell.peak_mb.value:,.0f}",
    )  # fmt: skip  # a table


def written(number: Number | None, *, signed: bool = False) -> str:
    """A number with its interval."""
    if number is None:
        return ""
    sign = "+" if signed else ""
    text = f"{number.value:{sign}.3f}"
    if number.low is not None and number.high is not None:
        text += f" [{number.low:{sign}.3f}, {number.high:{sign}.3f}]"
    return text


def judged(difference: Number | None) -> str:
    """Better, worse or a tie; with one seed there is no telling."""
    if difference is None:
        return ""
    if difference.low is None or difference.high is None:
        return "one seed"
    return BETTER if difference.low > 0 else WORSE if difference.high < 0 else TIE


def _verdict(found: dict[str, Cell]) -> str:
    """Who leads, or why nobody does; and whether the linear model is beaten."""
    table_ = [cell for name, cell in found.items() if name not in (LINEAR, MAJORITY)]
    said = []
    if table_:
        best, *others = leaders(table_)
        told = f"Highest mean: {plain(best)}, {found[best].accuracy.value:.3f}"
        if len(table_) == 1:
            said.append(f"{told}; no other pooler ran.")
        elif not others:
            said.append(f"{told}, **the winner**: its interval overlaps no other pooler's.")
        elif len(others) == len(table_) - 1:
            said.append(f"{told}; its interval overlaps that of every other pooler: **no winner**.")
        else:
            names = ", ".join(map(plain, others))
            said.append(f"{told}; its interval overlaps those of {names}: **no winner**.")
        if bag := found.get(LINEAR):
            above = sum(cell.accuracy.value > bag.accuracy.value for cell in table_)
            said.append(f"{above} of {len(table_)} poolers have a mean above the bag of words.")
    if AGAINST not in found:
        said.append("BiConcat did not run here, so there are no differences to it.")
    return " ".join(said)


def _by_length(cells: Sequence[Cell]) -> Iterator[str]:
    bands = list(dict.fromkeys(band for cell in cells for band in cell.by_length))
    if len(bands) < 2:
        return
    yield from ("Accuracy by length in tokens:", "")
    ranked = sorted(cells, key=_rank)
    rows = [
        (plain(cell.pooler), *(written(cell.by_length[band][0]) if band in cell.by_length else "" for band in bands))
        for cell in ranked
    ]
    yield from table(("pooler", *map(plain, bands)), rows)
    yield ""
