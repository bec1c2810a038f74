"""Lines on the terminal: coloured where `rich` is installed, plain otherwise."""

from collections.abc import Iterable

from seqpool.explain.text import Line, Style

try:
    from rich.console import Console
    from rich.text import Text
except ImportError:
    Console = None  # type: ignore[assignment, misc]  # torch alone is enough

_COLOURS: dict[Style, str] = {
    "plain": "",
    "title": "bold",
    "forward": "bold cyan",
    "backward": "bold yellow",
    "faint": "dim",
    "good": "green",
    "wrong": "red",
}


def show(lines: Iterable[Line]) -> None:
    """Print each line whole, however narrow the terminal."""
    if Console is None:
        for line in lines:
            print("".join(span.text for span in line).rstrip())  # noqa: T201  # the command's result
        return
    console = Console(highlight=False)
    for line in lines:
        text = Text.assemble(*((span.text, _COLOURS[span.style]) for span in line))
        text.rstrip()
        console.print(text, soft_wrap=True)
