"""Open what a path names: a dataset of the hub, a saved one, a folder, or a file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from datasets import (  # type: ignore[import-untyped]  # it has no types
    DatasetDict,
    load_dataset,
    load_from_disk,
)
from datasets.exceptions import DatasetsError  # type: ignore[import-untyped]  # it has no types
from pyarrow import ArrowException  # type: ignore[import-untyped]  # it has no types

ERRORS = (DatasetsError, ArrowException, OSError, ValueError, TypeError, LookupError, RuntimeError)
"""What `datasets` and its readers raise for data that they cannot read."""

LONGEST = 300
"""Characters of their message that are passed on."""

ROWS_AT_A_TIME = 1_000
"""Rows of a CSV file in memory when it is streamed; a tenth of what `datasets` takes, which is much for long texts."""

TABLES = {".csv", ".tsv"}
OTHERS = {".json", ".jsonl", ".parquet", ".arrow", ".txt"}


def open_tables(path: str, name: str | None, revision: str | None, *, streaming: bool) -> Mapping[str, Any]:
    """The splits of a dataset: tables, or with `streaming` something that reads their rows anew at every pass.

    Raises:
        ValueError: there is nothing at the path, or nothing that can be read.
    """
    local = Path(path).expanduser()
    if not local.exists() and (path.startswith((".", "/", "~")) or path.endswith("/") or path.count("/") > 1):
        raise ValueError(
            f"the dataset must be `docstrings`, `probes`, a hub id or a folder: there is no folder {path!r}"
        )
    try:
        if (local / "dataset_dict.json").is_file():
            saved: DatasetDict = load_from_disk(str(local))
            return {key: table.to_iterable_dataset() for key, table in saved.items()} if streaming else saved
        where: dict[str, Any] = {"path": path}
        if local.is_file():
            where = {"path": str(local.resolve().parent), "data_files": local.name}
        elif local.is_dir():
            where = {"path": str(local)}
        # A label or a text of "None", "NA" or "null" is a word; pandas would read it as nothing.
        csv: dict[str, Any] = {"keep_default_na": False} if _is_csv(local) else {}
        if csv and streaming:
            csv["chunksize"] = ROWS_AT_A_TIME
        tables: Mapping[str, Any] = load_dataset(**where, name=name, revision=revision, streaming=streaming, **csv)
    except IndexError as error:
        raise ValueError(f"the dataset {path!r} cannot be loaded: a split that was saved has no rows") from error
    except ERRORS as error:
        said = unreadable(path, error)
        if name is not None and local.exists() and "BuilderConfig" in str(error):
            said = ValueError(f"{said}; leave the name out with --data.name=null")
        raise said from error
    return tables


def unreadable(path: str, error: BaseException) -> ValueError:
    """What to say about it; the first cause knows more than the error that came of it, but for a hub out of reach."""
    while error.__cause__ is not None and not isinstance(error, ConnectionError):
        error = error.__cause__
    message = " ".join(str(error).split()) or type(error).__name__
    return ValueError(f"the dataset {path!r} cannot be loaded: {message[:LONGEST]}")


def _is_csv(local: Path) -> bool:
    if local.is_dir():
        suffixes = {file.suffix.lower() for file in local.rglob("*") if file.is_file()}
        return bool(suffixes & TABLES) and not suffixes & OTHERS
    return local.suffix.lower() in TABLES and local.is_file()
