"""Where bad input stops: one clear line on stderr and exit status 2."""

import errno
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import dropwhile
from traceback import walk_tb
from typing import Any, NoReturn, final

import torch
from jsonargparse import Namespace
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.cli import LightningArgumentParser
from lightning.pytorch.utilities import rank_zero_only

from recipes.encoders import ENCODERS, Encoder
from recipes.poolers import PARTS, fit_pooler
from seqpool import Pooler, poolers

BAD_INPUT = 2
NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO}
"""What a disk says that takes no more."""


@final
class RunError(Exception):
    """A run cannot go on, for a reason that its user can act on; every process of the run finds the same."""


_THEIRS = {"contextlib", "lightning", "lightning_utilities", "torch"}
"""Whose code is run between a command and a setting that is refused."""

_UNKNOWN = ("import path", "No module named", "has no attribute", "to be a subclass of")
"""Signs in jsonargparse's messages that a class was not found."""

_ASKED = re.compile(r'"(?:model\.)?(pooler|encoder)s?"')
_KNOWN = {"pooler": poolers.__all__, "encoder": [kind.__name__ for kind in ENCODERS]}
_NO_FILE = re.compile(r"-\s+Expected a path but \S+ either not accessible or invalid\s+- ")


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
    except (MemoryError, RuntimeError) as error:
        if not _no_memory(error):
            raise
        fail(reason(error))


@contextmanager
def bad_run() -> Iterator[None]:
    """Turn what may end a run by no fault of the code into that line: a diverged loss, a full disk, a wrong setting."""
    try:
        yield
    except Exception as error:
        said = reason(error)
        if said is None:
            raise
        alone = isinstance(error, OSError | torch.distributed.DistError) or _no_memory(error)
        if not alone and getattr(rank_zero_only, "rank", 0) > 0:
            raise SystemExit(0) from error  # the first process speaks, and its status is that of the run
        fail(said)


def reason(error: Exception) -> str | None:
    """What ended a run by no fault of the code; `None` where the error is a defect."""
    if isinstance(error, RunError):
        return str(error)
    if isinstance(error, OSError):
        written = f"{error.filename or 'a file of the run'} cannot be written: {os.strerror(error.errno or errno.EIO)}"
        return written if error.errno in NO_ROOM else None
    if _no_memory(error):
        return f"the memory is not enough, fewer batch_tokens or a smaller model need less: {error}"
    if isinstance(error, torch.distributed.DistError):
        return f"the processes of the run do not reach each other: {error}"
    if isinstance(error, MisconfigurationException | ValueError | RuntimeError) and _refused(error):
        return str(error)
    return None


def _no_memory(error: Exception) -> bool:
    """Whether a device or the machine gave no more memory; on the CPU torch says so in a `RuntimeError`."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error)


def _refused(error: Exception) -> bool:
    """Whether Lightning or an optimizer refused a setting: no code of the recipes lies between the command and it."""
    modules = [frame.f_globals.get("__name__", "") for frame, _ in walk_tb(error.__traceback__)][::-1]
    caller = next(dropwhile(lambda module: module.partition(".")[0] in _THEIRS, modules), "")
    return bool(modules) and modules[0].startswith(("lightning.", "torch.optim.")) and caller.endswith(".cli")


@final
class OneLineParser(LightningArgumentParser):
    """A parser whose errors are that line, and that can build a pooler of poolers."""

    subject = ""
    """The pooler or encoder whose arguments it parses, where it does."""

    def add_class_arguments(
        self, theclass: type, nested_key: str | None = None, *args: Any, skip: Any = None, **kwargs: Any
    ) -> list[str]:
        """Let the parts of a pooler of poolers be named like any pooler; the open signature is its base's."""
        if issubclass(theclass, (Pooler, Encoder)):
            self.subject = theclass.__name__
        name, how = PARTS.get(theclass, (None, None))
        skip = {*(skip or ()), name} - {None}
        added: list[str] = super().add_class_arguments(theclass, nested_key, *args, skip=skip, **kwargs)
        if name is not None:
            self.add_argument(f"--{name}", type=how, required=True)
            added.append(name)
        return added

    def instantiate(self, namespace: Namespace, instantiate_groups: bool = True, **kwargs: Any) -> Namespace:
        """Leave to a pooler's factory what the encoder decides; the open signature is its base's."""
        kwargs.setdefault("instantiators", [(fit_pooler, Pooler, True)])
        ready: Namespace = super().instantiate(namespace, instantiate_groups, **kwargs)
        return ready

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Fail, naming the choice of poolers or encoders where one was not found."""
        if self.subject:
            message = f"{self.subject}: {message}"
        asked = _ASKED.search(message)
        if asked and any(sign in message for sign in _UNKNOWN):
            message += f"; the {asked[1]}s are {', '.join(_KNOWN[asked[1]])}"
        fail(_NO_FILE.sub("", message))
