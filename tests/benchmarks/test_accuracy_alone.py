"""A run's process is its own: its memory and its threads are not those of what started it."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.accuracy.alone import ROOT, Failure, measure_alone
from benchmarks.accuracy.job import Job
from benchmarks.accuracy.peak import STATUS, peak_mb

JOB = Job(study="poolers", dataset="probes:last-8", folder=".", encoder="BiLSTM 16", pooler="majority class", seed=0)


@pytest.mark.skipif(not STATUS.exists(), reason="the peak is a process's own as Linux keeps it")
def test_a_peak_is_not_that_of_the_process_that_started_it() -> None:
    ballast = bytearray(b"x") * 200_000_000
    script = "from benchmarks.accuracy.peak import peak_mb; print(peak_mb())"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert peak_mb() > len(ballast) / 2**20
    assert 1 < float(done.stdout) < 100


def test_a_run_has_one_thread_whatever_started_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TOKENIZERS_PARALLELISM")
    for name in names:
        monkeypatch.setenv(name, "7")
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho " + " ".join(f"${name}" for name in names) + " >&2\nexit 1\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    assert measure_alone(JOB) == Failure(JOB, "exit status 1: 1 1 false")
