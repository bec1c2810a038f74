"""Where bad input stops: one clear line on stderr and exit status 2."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn, final

from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.cli import LightningArgumentParser

from seqpool import poolers

BAD_INPUT = 2


def fail(message: object) -> NoReturn:
    """Say in one line what is wrong with the input, and exit."""
    sys.stderr.write(f"error: {' '.join(str(message).split())}\n")
    raise SystemExit(BAD_INPUT)


@contextmanager
def bad_input() -> Iterator[None]:
    """Turn what constructors and loaders say about their arguments into that line.

    Nothing has run or been written inside; an error after it is a defect and keeps its traceback.
    """
    try:
        yield
    except (ValueError, TypeError, OSError, MisconfigurationException) as error:
        fail(error)


@final
class OneLineParser(LightningArgumentParser):
    """A parser whose errors are that line."""

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Fail, naming the choice of poolers where one was not found."""
        choice = f"; the poolers are {', '.join(poolers.__all__)}" if '"model.pooler"' in message else ""
        fail(f"{message}{choice}")
