"""A run in a process of its own, so that its peak memory is its own: `python -m benchmarks.accuracy.alone JOB`."""

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import final

from benchmarks.accuracy.job import Job
from benchmarks.accuracy.rows import Row
from benchmarks.accuracy.study import STUDIES

ROOT = Path(__file__).parents[2]
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
"""For every library of a run, the linear baseline's as well; torch is told once more."""
MARK = "rows: "
"""Before the rows, among whatever libraries print."""


@final
@dataclass(frozen=True)
class Failure:
    """A run that gave no row, and what its process said last."""

    job: Job
    reason: str


def measure_alone(job: Job) -> list[Row] | Failure:
    """Run a job in a fresh process of one thread on this machine."""
    command = [sys.executable, "-m", "benchmarks.accuracy.alone", job.written()]
    env = os.environ | ONE_THREAD
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    said = [line.removeprefix(MARK) for line in done.stdout.splitlines() if line.startswith(MARK)]
    if done.returncode or not said:
        last = done.stderr.strip().splitlines()
        return Failure(job, f"exit status {done.returncode}: {last[-1] if last else 'it said nothing'}")
    return [STUDIES[job.study].row(**row) for row in json.loads(said[-1])]


if __name__ == "__main__":
    asked = Job.read(sys.argv[1])
    print(MARK + json.dumps([asdict(row) for row in STUDIES[asked.study].measure(asked)]))
