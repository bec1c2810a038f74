"""`python -m seqpool explain`: where the final states of a recurrent network lie, seen on real tensors."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path
from typing import NoReturn, final

from seqpool.explain.facts import experiment
from seqpool.explain.setup import KINDS, Setup
from seqpool.explain.svg import draw
from seqpool.explain.terminal import show
from seqpool.explain.text import picture


def main(argv: Sequence[str]) -> int:
    """Run the command: 0, or 1 where a statement does not hold, or 2 for bad input."""
    given = vars(_parser().parse_args(argv))
    as_json, svg = given.pop("json"), given.pop("svg")
    try:
        facts = experiment(Setup(**given))
        if svg is not None:
            _write_whole(svg, draw(facts))
    except ValueError as error:
        print(f"seqpool explain: {error}", file=sys.stderr)  # noqa: T201  # all that a bad call gets
        return 2
    if isinstance(sys.stdout, TextIOWrapper):
        # A terminal that lacks a character still gets the numbers.
        sys.stdout.reconfigure(errors="replace")
    if as_json:
        print(json.dumps(facts.to_dict(), indent=2))  # noqa: T201  # the command's result
    else:
        show(picture(facts))
    return 0 if all(claim.holds for claim in facts.claims) else 1


@final
class _OneLineParser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (--help lists the options)\n")


def _parser() -> argparse.ArgumentParser:
    parser = _OneLineParser(prog="seqpool", description="One vector per sequence, right and fast.", allow_abbrev=False)
    commands = parser.add_subparsers(required=True, metavar="explain")
    explain = commands.add_parser(
        "explain",
        help="show which cell of output each row of h_n is, which poolers read which cells, and what packing prevents",
        description="Run a recurrent network and show where its final states lie in its output.",
        allow_abbrev=False,
    )
    add = explain.add_argument
    add("--rnn", dest="kind", choices=list(KINDS), default="gru", help="kind of network (default: gru)")
    add("--layers", type=int, default=1, metavar="N", help="layers (default: 1)")
    add("--bidirectional", action="store_true", help="read both ways")
    add("--lengths", type=_lengths, default=(7, 5, 4, 3), metavar="N,N,...", help="lengths (default: 7,5,4,3)")
    add("--batch-first", action="store_true", help="batch before time")
    add("--proj-size", type=int, default=0, metavar="N", help="width of an LSTM's projection (default: none)")
    add("--embedding", type=int, default=128, metavar="N", help="width of the input (default: 128)")
    add("--hidden", type=int, default=256, metavar="N", help="width of the state (default: 256)")
    add("--seed", type=int, default=0, metavar="N", help="seed of weights and input (default: 0)")
    add("--json", action="store_true", help="print the facts for programs")
    add("--svg", type=Path, metavar="FILE", help="draw the picture into a file as well")
    return parser


def _lengths(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(number) for number in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"whole numbers between commas are needed, {text!r} came: 7,5,4,3") from None


def _write_whole(path: Path, content: str) -> None:
    """Write a file that is never seen half-written."""
    if path.is_dir():
        raise ValueError(f"--svg must name a file, the folder {path} came: add a name to it")
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(content, encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        raise ValueError(f"--svg must name a file that can be written, {path} came: {error.strerror}") from error
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
