"""A file of results: one CSV row a measurement, and beside it, as JSON, what the numbers depend on."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar, get_type_hints

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Record = TypeVar("Record", bound="DataclassInstance")


@dataclass(frozen=True)
class Case:
    """What is measured together: one pooler on one batch."""

    pooler: str
    layout: str
    shape: str
    dtype: str

    def __str__(self) -> str:
        return f"{self.pooler}, {self.layout}, {self.shape}, {self.dtype}"


@dataclass(frozen=True)
class Row:
    """One contender in one pass of one case; `ratio` is its time over that of seqpool, round by round.

    `launches`: kernels, copies and fills that a call puts on a GPU.
    """

    device: str
    pooler: str
    layout: str
    shape: str
    dtype: str
    passes: str
    contender: str
    rounds: int
    median_ms: float
    p20_ms: float
    p80_ms: float
    gb_per_s: float
    share_of_limit: float
    copy_gb_per_s: float
    ratio: float
    ratio_p20: float
    ratio_p80: float
    peak_mb: float
    launches: int = 0

    @property
    def case(self) -> Case:
        """The case it belongs to."""
        return Case(self.pooler, self.layout, self.shape, self.dtype)

    @property
    def key(self) -> tuple[str, ...]:
        """What it measures, the same in every file."""
        return self.device, self.pooler, self.layout, self.shape, self.dtype, self.passes, self.contender


@dataclass(frozen=True)
class LeftOut:
    """A contender without a number, and why."""

    pooler: str
    layout: str
    shape: str
    dtype: str
    passes: str
    contender: str
    reason: str

    @property
    def case(self) -> Case:
        """The case it belongs to."""
        return Case(self.pooler, self.layout, self.shape, self.dtype)


@dataclass
class Results:
    """All that a run has to say."""

    facts: dict[str, str]
    rows: list[Row] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    finished: list[Case] = field(default_factory=list)

    def write(self, path: Path) -> None:
        """Put both files in place, each whole or not at all; the cases that count are named in the second."""
        path.parent.mkdir(parents=True, exist_ok=True)
        about = asdict(self)
        del about["rows"]
        replace(path, table(Row, self.rows))
        replace(path.with_suffix(".json"), json.dumps(about, indent=1) + "\n")

    def put(self, case: Case, rows: Sequence[Row], left_out: Sequence[LeftOut]) -> None:
        """What came of a case, in place of what is known of it."""
        self.rows = [*(row for row in self.rows if row.case != case), *rows]
        self.left_out = [*(entry for entry in self.left_out if entry.case != case), *left_out]
        self.finished = [*(other for other in self.finished if other != case), case]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what `write` wrote; rows of a case that was not finished are dropped.

        Raises:
            ValueError: the files are none of these.
            OSError: they cannot be read.
        """
        try:
            about = json.loads(path.with_suffix(".json").read_text("utf-8"))
            finished = [Case(**case) for case in about["finished"]]
            left_out = [LeftOut(**entry) for entry in about["left_out"]]
            rows = [row for row in read_table(Row, path) if row.case in set(finished)]
            return cls(about["facts"], rows, left_out, finished)
        except (KeyError, TypeError, json.JSONDecodeError, UnicodeDecodeError) as error:
            raise ValueError(
                f"{path} must be a CSV that `python -m benchmarks throughput` wrote, with its JSON beside it: "
                f"{type(error).__name__}: {error}"
            ) from error


def table(kind: type[Record], rows: Sequence[Record]) -> str:
    """Dataclasses as CSV with a header."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [column.name for column in fields(kind)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in rows)
    return text.getvalue()


def read_table(kind: type[Record], path: Path) -> list[Record]:
    """Dataclasses from a CSV.

    Raises:
        ValueError: its columns are others, or a number is none.
    """
    types = get_type_hints(kind)
    names = [column.name for column in fields(kind)]
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if reader.fieldnames != names:
            raise ValueError(f"{path} must have the columns {', '.join(names)}; {reader.fieldnames} came")
        return [kind(**{name: _value(types[name], text) for name, text in line.items()}) for line in reader]


def _value(kind: Any, text: str) -> object:
    if kind == float | None:
        return float(text) if text else None
    return text == "True" if kind is bool else kind(text)


def replace(path: Path, text: str) -> None:
    """Put a file in place of another, whole or not at all."""
    beside = path.with_name(f".{path.name}.part")
    try:
        beside.write_text(text, "utf-8")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
