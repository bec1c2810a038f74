"""Rows as CSV, JSON lines or Parquet, a chunk at a time."""

import json
from pathlib import Path
from typing import IO, Any, Protocol, final

import pyarrow as pa  # type: ignore[import-untyped]  # it has no types
from pyarrow import csv, parquet


class TableWriter(Protocol):
    """Where rows go."""

    def write_batch(self, batch: pa.RecordBatch) -> None:
        """Write some rows."""

    def close(self) -> None:
        """Finish the file."""


@final
class JsonLines:
    """An object a row."""

    def __init__(self, sink: IO[bytes], schema: pa.Schema) -> None:
        self.sink = sink

    def write_batch(self, batch: pa.RecordBatch) -> None:
        for row in batch.to_pylist():
            shown = {key: float(f"{cell:.9g}") if isinstance(cell, float) else cell for key, cell in row.items()}
            self.sink.write(json.dumps(shown, ensure_ascii=False).encode() + b"\n")

    def close(self) -> None:
        """Leave the sink to whoever opened it."""


WRITERS: dict[str, Any] = {".csv": csv.CSVWriter, ".jsonl": JsonLines, ".parquet": parquet.ParquetWriter}
"""By the ending of a file; each takes a sink and a schema."""


def ending(output: str) -> str:
    """The ending of a file that says its format.

    Raises:
        ValueError: it says none.
    """
    suffix = Path(output).suffix.lower()
    if suffix not in WRITERS:
        raise ValueError(f"the output must end in {', '.join(WRITERS)}, {output!r} came")
    return suffix
