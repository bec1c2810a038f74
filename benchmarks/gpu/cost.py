"""What a call costs on a device: time beside the bytes that must move, launches, and whether a graph captures it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.throughput.devices import launches
from benchmarks.throughput.measure import FEWEST, MOST, Bench, call, fault, must_move, trial_of
from benchmarks.throughput.oracle import define
from benchmarks.throughput.rows import Case
from benchmarks.throughput.trial import Contender
from benchmarks.timing import by_rounds, spread
from seqpool import ops
from seqpool.ops.choice import Backend

BACKENDS: tuple[Backend, ...] = ("reference", "triton")


@dataclass(frozen=True)
class Cost:
    """One backend in one pass of one case; `launches` is what one call puts on the device."""

    pooler: str
    layout: str
    shape: str
    dtype: str
    passes: str
    backend: str
    rounds: int
    median_ms: float
    p20_ms: float
    p80_ms: float
    gb_per_s: float
    share_of_limit: float
    copy_gb_per_s: float
    launches: int
    captures: str


Call = Callable[[], tuple[Tensor, ...]]


def on(backend: Backend, run: Call) -> Call:
    """The call on a backend."""

    def chosen() -> tuple[Tensor, ...]:
        with ops.backend(backend):
            return run()

    return chosen


def costs(case: Case, bench: Bench) -> tuple[list[Cost], list[str]]:
    """Both backends in turn, forward and with backward, and what is wrong: a backend that is wrong gets no number."""
    trial = trial_of(case, bench.device)
    with ops.backend("reference"):
        wanted = define(trial.pooler, trial.batch)
    ours = Contender(trial.pool, tuple(trial.pooler.parameters()))
    found, wrong = [], []
    for passes in bench.passes:
        right: dict[str, Call] = {}
        for backend in BACKENDS:
            with ops.backend(backend):
                reason = fault(trial, ours, wanted, bench.passes[-1])
            if reason:
                wrong.append(f"{backend}: {case}, {passes}: {reason}")
            else:
                right[backend] = on(backend, call(trial, ours, wanted, passes))
        if right:
            found += _timed(case, passes, right, must_move(trial, wanted, passes), bench)
    return found, wrong


def _timed(case: Case, passes: str, right: dict[str, Call], moved: int, bench: Bench) -> list[Cost]:
    once = sum(bench.clock(run) for run in right.values())
    rounds = min(MOST, max(FEWEST, int(bench.seconds / once)))
    seconds = by_rounds(right, rounds, bench.clock)
    found = []
    for backend, run in right.items():
        taken = spread(seconds[backend])
        found.append(
            Cost(
                **vars(case), passes=passes, backend=backend, rounds=rounds,
                median_ms=1000 * taken.median, p20_ms=1000 * taken.p20, p80_ms=1000 * taken.p80,
                gb_per_s=moved / taken.median / 1e9, share_of_limit=moved / bench.bandwidth / taken.median,
                copy_gb_per_s=bench.bandwidth / 1e9,
                launches=launches(run, bench.device), captures=captures(run, bench.device),
            )
        )  # fmt: skip  # a table
    return found


def captures(run: Call, device: torch.device) -> str:
    """Say yes where a CUDA graph captures and replays the call, else the first line of why not."""
    if device.type != "cuda":
        return "no: not a GPU"
    try:
        side = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]  # torch's
        side.wait_stream(torch.cuda.current_stream(device))
        with torch.cuda.stream(side):
            eager = run()
        torch.cuda.current_stream(device).wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            replayed = run()
        graph.replay()
        torch.cuda.synchronize(device)
    except RuntimeError as error:
        return f"no: {str(error).strip().splitlines()[0]}"
    return same(eager, replayed)


def same(eager: Sequence[Tensor], replayed: Sequence[Tensor]) -> str:
    """Say yes where a replay gave what the call gives, bit for bit, else which result differs."""
    differing = [index for index, pair in enumerate(zip(eager, replayed, strict=True)) if not torch.equal(*pair)]
    return f"no: result {differing[0]} of the replay differs from the call's" if differing else "yes"
