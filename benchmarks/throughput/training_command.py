"""`python -m benchmarks training`: training steps at several shapes, kept cell by cell."""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Self

import torch
from rich.console import Console
from rich.progress import track

from benchmarks.throughput import training
from benchmarks.throughput.devices import add_device, check_device, facts
from benchmarks.throughput.report import RESULTS, target_lines
from benchmarks.throughput.rows import read_table, replace, table
from benchmarks.throughput.run import same_facts
from benchmarks.throughput.shapes import Shape
from benchmarks.throughput.targets import TRAINING, read_reasons, trained
from benchmarks.throughput.training import ORDERS, TrainingRow
from benchmarks.timing import keep_memory


@dataclass
class Held:
    """All that a run has to say; `wrong` and `finished` by cell: the order of batches and the shape."""

    facts: dict[str, str]
    rows: list[TrainingRow] = field(default_factory=list)
    wrong: dict[str, dict[str, str]] = field(default_factory=dict)
    finished: list[str] = field(default_factory=list)

    def write(self, path: Path) -> None:
        """Put CSV, JSON and report in place, each whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        replace(path, table(TrainingRow, self.rows))
        about = {"facts": self.facts, "wrong": self.wrong, "finished": self.finished}
        replace(path.with_suffix(".json"), json.dumps(about, indent=1) + "\n")
        self.write_report(path)

    def write_report(self, path: Path) -> None:
        """Put the report in place alone."""
        replace(path.with_suffix(".md"), report(self))

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what `write` wrote; rows of a cell that was not finished are dropped.

        Raises:
            ValueError: the files are none of these.
            OSError: they cannot be read.
        """
        beside = path.with_suffix(".json")
        try:
            held = cls(rows=read_table(TrainingRow, path), **json.loads(beside.read_text("utf-8")))
        except (TypeError, json.JSONDecodeError) as error:
            raise ValueError(f"{beside} must be of a run of training: {error}") from error
        held.rows = [row for row in held.rows if cell_of(row.batches, row.shape) in held.finished]
        return held


def cell_of(order: str, shape: str) -> str:
    """The name of a cell."""
    return f"{order}, {shape}"


def open_held(path: Path, about: dict[str, str]) -> Held:
    """The file's own rows, to be gone on with, or none.

    Raises:
        ValueError: the file is of another machine, of other versions or of other options, or none of ours.
    """
    if not path.exists():
        return Held(about)
    held = Held.read(path)
    same_facts(path, held.facts, about)
    return held


def report(held: Held) -> str:
    """Markdown."""
    device = held.facts["device"]
    lines = [
        "# Training steps", "",
        "Embedding, bidirectional LSTM, mean, linear head; forward, backward and Adam. Ratio: time over RNNEncoder's, "
        "round by round. Logits and gradients agreed with each text alone in float64 in the same run.", "",
        *(f"- {name}: {value}" for name, value in held.facts.items()), "",
        "| batches | B x T x hidden | way | real steps | ms a step | samples/s | real tokens/s | ratio |",
        "|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip  # a table
    lines += [
        f"| {row.batches} | {row.shape} | {row.way} | {row.real:.2f} | {row.step_ms:.1f} [{row.step_ms_p20:.1f}, "
        f"{row.step_ms_p80:.1f}] | {row.samples_per_s:,.0f} | {row.tokens_per_s:,.0f} | "
        f"{row.ratio:.2f} [{row.ratio_p20:.2f}, {row.ratio_p80:.2f}] |"
        for row in held.rows
    ]
    lines.append("")
    if device == "cpu":
        reasons = read_reasons(RESULTS / "reasons.csv")
        lines += target_lines(TRAINING, list(trained(held.rows)), device, reasons)
    return "\n".join([*lines, *_without_a_number(held.wrong)]) + "\n"


def _without_a_number(wrong: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    for cell, ways in wrong.items():
        yield from (f"- without a number: {cell}: {way}: {reason}" for way, reason in ways.items())


def run(held: Held, path: Path, shapes: Sequence[Shape], options: argparse.Namespace, console: Console) -> None:
    """Measure what is not held yet, and keep it after every cell."""
    device = torch.device(options.device)
    cells = [(shape, order) for shape, order in product(shapes, ORDERS)
             if cell_of(order, str(shape)) not in held.finished]  # fmt: skip  # a table
    for shape, order in track(cells, "training", console=console):
        outcome = training.measure(shape, order, options.batches, options.rounds, device)
        cell = cell_of(order, str(shape))
        held.rows += outcome.rows
        held.finished.append(cell)
        if outcome.wrong:
            held.wrong[cell] = outcome.wrong
        held.write(path)


def _parsed(argv: Sequence[str]) -> tuple[argparse.ArgumentParser, argparse.Namespace, list[Shape]]:
    parser = argparse.ArgumentParser(prog="python -m benchmarks training", description=training.__doc__)
    parser.add_argument("--shapes", default="32x200x128:uniform", help="BxTxhidden:lengths (default: %(default)s)")
    parser.add_argument("--batches", type=int, default=8, help="batches an epoch (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=7, help="epochs that count, at least 2 (default: %(default)s)")
    add_device(parser)
    parser.add_argument("--save", type=Path, help="CSV to write, gone on with where it exists")
    options = parser.parse_args(argv)
    try:
        shapes = [Shape.parse(text) for text in options.shapes.split(",")]
    except ValueError as error:
        parser.error(str(error))
    if options.rounds < 2 or options.batches < 1:
        parser.error(f"at least 2 rounds and 1 batch are needed, {options.rounds} and {options.batches} came")
    check_device(parser, options.device)
    return parser, options, shapes


def main(argv: Sequence[str]) -> int:
    """Measure, keep and report; 1 where a way was wrong, 130 after Ctrl-C."""
    parser, options, shapes = _parsed(argv)
    torch.set_num_threads(1)
    path = options.save or RESULTS / f"training-{options.device}.csv"
    epoch = f"{options.batches} batches, {options.rounds} rounds"
    about = facts(torch.device(options.device)) | {"allocator": keep_memory(), "epoch": epoch}
    try:
        held = open_held(path, about)
    except (ValueError, OSError) as error:
        parser.error(str(error))
    console = Console()
    try:
        run(held, path, shapes, options, console)
    except KeyboardInterrupt:
        console.print("stopped: the same command goes on from here")
        return 130
    print(report(held))
    return int(bool(held.wrong))
