"""`python -m benchmarks gpu`: check the kernels on this GPU, then time them beside the reference.

A kernel that is wrong anywhere stops the run before anything is timed. Results go to a CSV after every case, with
machine and versions in a JSON beside it; where that CSV exists, the run goes on with what it lacks. Rivals are timed by
`python -m benchmarks throughput --device cuda --backend triton`.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from itertools import product
from pathlib import Path
from time import monotonic

import torch
from rich.console import Console
from rich.progress import track

from benchmarks.gpu.check import VERBS, checks, how_many
from benchmarks.gpu.cost import Cost, costs
from benchmarks.throughput.batches import LAYOUTS
from benchmarks.throughput.devices import clock_of, copy_bandwidth, facts
from benchmarks.throughput.measure import DTYPES, Bench
from benchmarks.throughput.rows import Case, read_table, replace, table
from benchmarks.throughput.shapes import SHAPES
from seqpool import ops

RESULT = Path(__file__).parents[1] / "results" / "gpu.csv"


def main(argv: Sequence[str]) -> int:
    """Check, then time; exit status 1 where the kernels are wrong, 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks gpu", description=__doc__)
    parser.add_argument("--save", type=Path, default=RESULT, help="CSV to write (default: %(default)s)")
    parser.add_argument("--minutes", type=float, default=8, help="start no case after so many (default: 8)")
    parser.add_argument("--seconds", type=float, default=0.5, help="time for the rounds of a case and pass")
    options = parser.parse_args(argv)
    if not (options.minutes > 0 and options.seconds > 0):
        parser.error(f"--minutes and --seconds must be above 0, {options.minutes} and {options.seconds} came")
    if not torch.cuda.is_available():
        parser.error("it needs a GPU and a CUDA or ROCm build of torch, neither is usable here")
    try:
        with ops.backend("triton"):
            pass
        held, about = _held(options.save, facts(torch.device("cuda")))
    except (ImportError, ValueError, OSError) as error:
        parser.error(str(error))
    device, stop = torch.device("cuda"), monotonic() + 60 * options.minutes
    try:
        return _run(device, stop, options, held, about)
    except KeyboardInterrupt:
        return 130


def _held(path: Path, about: dict[str, str]) -> tuple[list[Cost], dict[str, str]]:
    """What the file holds already, if it is of this machine and of these versions."""
    if not path.exists():
        return [], about
    before = json.loads(path.with_suffix(".json").read_text("utf-8"))
    if before.get("facts") != about:
        raise ValueError(f"{path} holds a run of another machine or version: give --save another name, or remove it")
    return read_table(Cost, path), about


def _run(
    device: torch.device, stop: float, options: argparse.Namespace, held: list[Cost], about: dict[str, str]
) -> int:
    console = Console()
    compared = list(track(checks(device), "checking", total=how_many(), console=console))
    wrong = [f"{check.pooler}, {check.layout}, {check.dtype}, {check.shape}: {check.fault}" for check in compared]
    wrong = [line for line, check in zip(wrong, compared, strict=True) if check.fault]
    console.print(f"{len(compared)} combinations checked, {len(wrong)} are wrong")
    if not wrong:
        clock = clock_of(device)
        bench = Bench(device, clock, copy_bandwidth(device, clock), options.seconds)
        done = {(cost.pooler, cost.layout, cost.shape, cost.dtype) for cost in held}
        for shape, dtype, pooler, layout in product(SHAPES, DTYPES, VERBS, LAYOUTS):
            case = Case(pooler, layout, str(shape), dtype)
            if tuple(vars(case).values()) in done:
                continue
            if monotonic() > stop:
                console.print("time is up: the same command goes on")
                break
            found, faults = costs(case, bench)
            held, wrong = [*held, *found], [*wrong, *faults]
            _keep(options.save, held, about, [asdict(check) for check in compared])
    for line in wrong:
        console.print(line, soft_wrap=True, highlight=False, markup=False)
    return int(bool(wrong))


def _keep(path: Path, costs: list[Cost], about: dict[str, str], checked: list[dict[str, str]]) -> None:
    """Both files, each whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    replace(path, table(Cost, costs))
    replace(path.with_suffix(".json"), json.dumps({"facts": about, "checked": checked}, indent=1) + "\n")
