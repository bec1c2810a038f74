"""Files and folders that are there whole or not at all."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """Give a path to write to, beside `target`; it takes the place of `target` when all is written and on the disk."""
    beside = target.with_name(f".{target.name}.part")
    try:
        yield beside
        _flush(beside)
        beside.replace(target)
        _flush(target.parent)
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """Give a folder to write into, beside `target`; it becomes `target` when all is written.

    Raises:
        ValueError: there is something at `target`.
    """
    refuse_taken(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        yield beside
        # Temporary folders, and files that some libraries write, are their owner's alone.
        for file in beside.iterdir():
            file.chmod(0o644)
            _flush(file)
        beside.chmod(0o755)
        beside.replace(target)
        _flush(target.parent)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def refuse_taken(target: Path) -> None:
    """Refuse a place for a folder that is not free.

    Raises:
        ValueError: there is a file, or a folder that is not empty.
    """
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise ValueError(f"there is something at {str(target)!r} already: remove it, or give another --output")


def _flush(path: Path) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
