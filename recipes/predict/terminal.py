"""Standard output whose reader may stop reading."""

import os
import sys
from typing import final

from rich.console import Console


@final
class Terminal(Console):
    """Show texts for as long as somebody reads; whoever writes files beside goes on."""

    def on_broken_pipe(self) -> None:
        """Show no more; rich would end the process."""
        self.quiet = True
        let_go()


def let_go() -> None:
    """Leave standard output to nobody: whoever read has seen enough, and Python would say so once more at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
