"""`python -m benchmarks routes`: every cell, each row kept as it comes, and where each route wins."""

import argparse
import itertools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from benchmarks import routes
from benchmarks.routes import KINDS, Row, cells, key
from benchmarks.throughput.devices import add_device, check_device, facts
from benchmarks.throughput.rows import read_table, replace, table
from benchmarks.throughput.run import same_facts
from benchmarks.timing import keep_memory

RESULTS = Path(__file__).parent / "results"
NEAR = 1.1


def summary(rows: Sequence[Row]) -> Iterator[str]:
    """A line a kind and mode: where each route wins, and how near the choice comes."""
    yield f"{'network':<17}{'mode':<11}{'cells':>5}  {'module':>6} {'reversed':>8} {'groups':>6}  within 10%  worst"
    for kind, training in itertools.product(KINDS, (True, False)):
        group = [row for row in rows if row.kind == kind and row.training == training]
        if not group:
            continue
        wins = [sum(row.best == route for row in group) for route in ("module", "reversed", "groups")]
        near = sum(row.cost <= NEAR for row in group) / len(group)
        worst = max(row.cost for row in group)
        mode = "training" if training else "inference"
        yield f"{kind:<17}{mode:<11}{len(group):>5}  {wins[0]:>6} {wins[1]:>8} {wins[2]:>6}  {near:>10.0%}  {worst:.2f}"


def open_rows(path: Path, about: dict[str, str]) -> list[Row]:
    """The file's own rows, to be gone on with, or none.

    Raises:
        ValueError: the file is of another machine or of other versions.
    """
    if not path.exists():
        return []
    same_facts(path, json.loads(path.with_suffix(".json").read_text("utf-8"))["facts"], about)
    return read_table(Row, path)


def main(argv: Sequence[str]) -> int:
    """Measure every cell, keep each row as it comes, and print where each route wins; 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks routes", description=routes.__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="timed rounds, at least 2 (default: 5)")
    parser.add_argument("--every", type=int, default=1, help="measure one cell in so many (default: 1, all)")
    add_device(parser)
    parser.add_argument("--output", type=Path, help="CSV to write, gone on with where it exists")
    options = parser.parse_args(argv)
    if options.rounds < 2 or options.every < 1:
        parser.error(f"needs --rounds >= 2 and --every >= 1, {options.rounds} and {options.every} came")
    check_device(parser, options.device)
    torch.set_num_threads(1)
    device = torch.device(options.device)
    path, about = options.output or RESULTS / f"routes-{device.type}.csv", facts(device) | {"allocator": keep_memory()}
    try:
        rows = open_rows(path, about)
    except (ValueError, OSError) as error:
        parser.error(str(error))
    done = {key(row) for row in rows}
    status = 0
    try:
        for cell in itertools.islice(cells(), 0, None, options.every):
            if key(cell) not in done:
                rows.append(routes.measure(cell, options.rounds, device))
                replace(path, table(Row, rows))
                replace(path.with_suffix(".json"), json.dumps({"facts": about}, indent=1) + "\n")
    except KeyboardInterrupt:
        status = 130
        print("stopped: the same command goes on from here")
    print(*(f"{name}: {value}" for name, value in about.items()), *summary(rows), sep="\n")
    return status
