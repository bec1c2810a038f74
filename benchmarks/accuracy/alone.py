"""A run in a process of its own, so that its peak memory is its own: `python -m benchmarks.accuracy.alone JOB`."""

import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import final

from benchmarks.accuracy.job import Job
from benchmarks.accuracy.rows import Run

ROOT = Path(__file__).parents[2]
MARK = "run: "
"""Before the row, among whatever libraries print."""


@final
@dataclass(frozen=True)
class Failure:
    """A run that gave no row, and what its process said last."""

    job: Job
    reason: str


def measure_alone(job: Job) -> Run | Failure:
    """Run a job in a fresh process of this machine."""
    command = [sys.executable, "-m", "benchmarks.accuracy.alone", job.written()]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    rows = [line.removeprefix(MARK) for line in done.stdout.splitlines() if line.startswith(MARK)]
    if done.returncode or not rows:
        said = done.stderr.strip().splitlines()
        return Failure(job, f"exit status {done.returncode}: {said[-1] if said else 'it said nothing'}")
    return Run(**json.loads(rows[-1]))


if __name__ == "__main__":
    from benchmarks.accuracy.train import measure

    print(MARK + json.dumps(asdict(measure(Job.read(sys.argv[1])))))
