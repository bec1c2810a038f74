"""The raw results as they lie in the files: every row has a number, and what is reported names the rows it rests on."""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

KINDS = {
    "accuracy": {"dataset", "pooler", "seed", "accuracy", "correct_by_length"},
    "points": {"dataset", "pooler", "seed", "step", "measure", "position", "value"},
    "throughput": {"device", "pooler", "layout", "contender", "median_ms"},
    "training": {"batches", "way", "step_ms"},
    "codegen": {"kernel", "target", "registers", "bytes_in_flight"},
}
"""What a file holds, told by its columns; a file of none of these kinds is shown as it is."""


@dataclass(frozen=True)
class Raw:
    """One CSV; a row's number is 1 for the first below the header, `facts` come from the JSON beside it."""

    path: Path
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    facts: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What its rows are called by."""
        return self.path.stem

    @property
    def kind(self) -> str:
        """Which of `KINDS`, or `other`."""
        return next((kind for kind, needed in KINDS.items() if needed <= set(self.columns)), "other")

    def records(self) -> list[dict[str, str]]:
        """Rows by column name."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


@dataclass(frozen=True)
class Source:
    """The raw rows that a number rests on."""

    name: str
    rows: tuple[int, ...]

    def __add__(self, other: "Source") -> "Source":
        """The rows of both, each once.

        Raises:
            ValueError: they are of two files.
        """
        if other.name != self.name:
            raise ValueError(f"what is compared must stand in one file, {self} and {other} came: put them into one CSV")
        return Source(self.name, tuple(dict.fromkeys(self.rows + other.rows)))

    def __str__(self) -> str:
        """As a link on the page writes it."""
        return f"{self.name}:{','.join(map(str, self.rows))}"


def read_all(folder: Path) -> list[Raw]:
    """Every CSV of a folder, by name.

    Raises:
        ValueError: the folder is none, or a file is no CSV with a header and rows as wide.
        OSError: a file cannot be read.
    """
    if not folder.is_dir():
        raise ValueError(f"a folder of results is needed, {str(folder)!r} came: give the one that the benchmarks wrote")
    return [_read(path) for path in sorted(folder.glob("*.csv"))]


def of_kind(files: Sequence[Raw], kind: str) -> list[Raw]:
    """The files of one kind."""
    return [file for file in files if file.kind == kind]


def _read(path: Path) -> Raw:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file, strict=True)
        facts = path.with_suffix(".json")
        about = json.loads(facts.read_text("utf-8")).get("facts", {}) if facts.is_file() else {}
    except (ValueError, AttributeError, csv.Error) as error:
        raise ValueError(f"{path} must be a CSV with a header (a JSON beside it an object): {error}") from error
    for number, row in enumerate(rows, 1):
        if len(row) != len(header):
            raise ValueError(f"{path}: row {number} must have {len(header)} fields as the header, {len(row)} came")
    return Raw(path, tuple(header), tuple(map(tuple, rows)), about)
