"""The table of a comparison, for the terminal and as CSV, with what its numbers depend on."""

import csv
import io
import math
import platform
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from importlib import metadata
from pathlib import Path

from rich.console import Console
from rich.table import Table

from recipes.baselines import Score
from recipes.data.corpus import Corpus
from recipes.whole import whole_file


def show(console: Console, baselines: Sequence[Score], trained: Sequence[Score], notes: Sequence[str]) -> None:
    """Print the table and its notes."""
    table = Table(title="poolers on the test split, in the order asked for")
    table.add_column("pooler", no_wrap=True)
    for heading in ("accuracy", "macro-F1", "seconds\nan epoch", "parameters"):
        table.add_column(heading, justify="right")
    for rows, digits in ((baselines, 2), (trained, 1)):
        for row in rows:
            numbers = (f"{row.accuracy:.3f}", f"{row.macro_f1:.3f}", f"{row.seconds:.{digits}f}", f"{row.parameters:,}")
            table.add_row(row.model, *numbers)
        table.add_section()
    console.print(table)
    for note in notes:
        console.print(note, soft_wrap=True, highlight=False, markup=False)


def remarks(
    corpus: Corpus, baselines: Sequence[Score], trained: Sequence[Score], *, epochs: int, seed: int
) -> list[str]:
    """What the table does not prove."""
    bag, best = baselines[-1], max(trained, key=lambda row: row.accuracy)
    tests = len(corpus.splits["test"])
    margin = 1.96 * math.sqrt(best.accuracy * (1 - best.accuracy) / tests)
    relation = "above every" if bag.accuracy > best.accuracy else "not above every"
    return [
        f"seed {seed}, {epochs} epochs, no choice of checkpoint; a baseline's seconds are its whole fit.",
        f"The linear model reads whole texts and is {relation} network here: they are small and trained briefly.",
        f"One seed ranks nothing: {tests:,} test texts alone leave an accuracy uncertain by ±{margin:.3f} (95%), "
        "and another seed moves every row.",
    ]


def environment(jobs: int) -> dict[str, str]:
    """Machine and versions."""
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("torch", "lightning", "scikit-learn"))
    machine = f"{processor()}, {jobs} processes of one thread"
    return {"machine": machine, "versions": f"python {platform.python_version()}, {versions}"}


def save(folder: Path, scores: Sequence[Score], context: dict[str, str | int]) -> Path:
    """Write the table as CSV, one row a model, what the numbers depend on in every row; all of it or nothing."""
    text = io.StringIO()
    rows = [asdict(score) | context for score in scores]
    writer = csv.DictWriter(text, fieldnames=list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{datetime.now():%Y-%m-%d_%H-%M-%S}.csv"
    with whole_file(path) as beside:
        beside.write_text(text.getvalue())
    return path


def processor() -> str:
    """The name of the machine's processor."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
