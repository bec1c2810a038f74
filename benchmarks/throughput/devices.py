"""A device's clock, its copy bandwidth and its peak memory, and what else a number depends on."""

import argparse
import os
import platform
import subprocess
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import final

import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks.throughput.rivals import versions
from benchmarks.timing import Run, processor, settled
from seqpool.ops.choice import kernels_for

COPIED = {"cpu": 2**27, "cuda": 2**30}
"""Bytes read, and as many written: more than any cache holds."""

CACHE = 2**28
"""Bytes written before each timed run on a GPU, so that none starts with its input in the cache."""


@final
class CudaClock:
    """Seconds between two events on the device, after its cache has been overwritten.

    The write also keeps the device busy while the host launches, so that small shapes show the device's time.
    """

    def __init__(self, device: torch.device) -> None:
        self.cache = torch.empty(CACHE, dtype=torch.uint8, device=device)

    def __call__(self, run: Run) -> float:
        begin, end = (
            torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]  # torch's
            for _ in range(2)
        )
        self.cache.zero_()
        begin.record()
        run()
        end.record()
        end.synchronize()
        return float(begin.elapsed_time(end)) / 1000


def add_device(parser: argparse.ArgumentParser) -> None:
    """Let a command be told where to measure."""
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="where to measure (default: cpu)")


def check_device(parser: argparse.ArgumentParser, device: str) -> None:
    """End the command with one line where the device is not there."""
    if device == "cuda" and not torch.cuda.is_available():
        parser.error("--device cuda needs a GPU and a CUDA build of torch, neither is usable here: leave it out")


def clock_of(device: torch.device) -> Callable[[Run], float]:
    """How to time on a device."""
    return CudaClock(device) if device.type == "cuda" else settled


def copy_bandwidth(device: torch.device, clock: Callable[[Run], float]) -> float:
    """Bytes a second that a plain copy moves, read and written, in the median of 11."""
    size = COPIED[device.type]
    source, target = (torch.zeros(size, dtype=torch.uint8, device=device) for _ in range(2))
    seconds = [clock(lambda: target.copy_(source)) for _ in range(12)]
    return 2 * size / median(seconds[1:])


def peak_bytes(run: Run, device: torch.device) -> int:
    """Most memory that one call holds at a time beyond what was held before."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        run()
        torch.cuda.synchronize(device)
        return int(torch.cuda.max_memory_allocated(device) - before)
    os.environ.setdefault("KINETO_LOG_LEVEL", "6")  # or the profiler announces each start and stop on stderr
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as recorded:
        run()
    events = [event for event in recorded.profiler.kineto_results.events() if event.name() == "[memory]"]
    held = peak = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        held += event.nbytes()
        peak = max(peak, held)
    return peak


def facts(device: torch.device) -> dict[str, str]:
    """Machine, versions, and the backend that seqpool takes there now."""
    gpu = torch.cuda.get_device_name(device) if device.type == "cuda" else "none"
    return {
        "device": device.type,
        "processor": f"{processor()}, {os.cpu_count()} cores, {torch.get_num_threads()} torch thread(s)",
        "gpu": gpu,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "triton": _triton(),
        "backend": _backend(device),
        "seqpool": _commit(),
        **versions(),
    }


def _triton() -> str:
    try:
        return metadata.version("triton")
    except metadata.PackageNotFoundError:
        return "none of that name"


def _backend(device: torch.device) -> str:
    """The backend of a call; one asked for by name that cannot run there raises what that call would."""
    return "reference" if kernels_for(torch.empty(1, 1, device=device)) is None else "triton"


def launches(run: Run, device: torch.device) -> int:
    """Kernels, copies and fills that one call puts on a GPU; 0 elsewhere."""
    if device.type != "cuda":
        return 0
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as recorded:
        run()
        torch.cuda.synchronize(device)
    return sum(event.device_type.name == "CUDA" for event in recorded.events())


def _commit() -> str:
    """The last commit of what is measured and of what measures, marked where files differ from it."""
    commit, changed = _git("log", "-1", "--format=%h"), _git("status", "--porcelain")
    return f"{commit or 'unknown'}{', changed since' if changed else ''}"


def _git(*command: str) -> str:
    """What git says of both folders; nothing outside a clone."""
    root = Path(__file__).parents[2]
    whole = ["git", *command, "--", "seqpool", "benchmarks/throughput"]
    return subprocess.run(whole, cwd=root, capture_output=True, text=True, check=False).stdout.strip()
