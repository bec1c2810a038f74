"""Where bad input stops: one clear line on stderr and exit status 2."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn, final

from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.cli import LightningArgumentParser
from lightning.pytorch.utilities import rank_zero_only

from seqpool import poolers

BAD_INPUT = 2
NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO}
"""What a disk says that takes no more."""


@final
class RunError(Exception):
    """A run cannot go on, for a reason that its user can act on; every process of the run finds the same."""


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


@contextmanager
def bad_run() -> Iterator[None]:
    """Turn what may end a run by no fault of the code into that line: a diverged loss, a full disk."""
    try:
        yield
    except RunError as error:
        if getattr(rank_zero_only, "rank", 0):
            raise SystemExit(0) from error  # the first process speaks, and its status is that of the run
        fail(error)
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        fail(f"{error.filename or 'a file of the run'} cannot be written: {os.strerror(error.errno)}")
    except MisconfigurationException as error:
        fail(error)


@final
class OneLineParser(LightningArgumentParser):
    """A parser whose errors are that line."""

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Fail, naming the choice of poolers where one was not found."""
        choice = f"; the poolers are {', '.join(poolers.__all__)}" if '"model.pooler"' in message else ""
        fail(f"{message}{choice}")
