"""`python -m benchmarks accuracy`: what is in the table is not run again, and bad input is one line."""

import _socket
import os
import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from distributed import LocalCluster
from joblib import Parallel, delayed  # type: ignore[import-untyped]  # it has no types

from benchmarks.__main__ import main
from benchmarks.accuracy import cli
from benchmarks.accuracy.alone import Failure, measure_alone
from benchmarks.accuracy.job import Job
from benchmarks.accuracy.rows import Row, Run
from benchmarks.accuracy.studies.forms import FORMS
from benchmarks.accuracy.studies.mistakes import PADDINGS
from benchmarks.accuracy.workers import loky
from benchmarks.throughput.rows import read_table
from tests.benchmarks.accuracy_cases import facts, made

Measure = Callable[[Job], Sequence[Row] | Failure]
ASKED = ("--datasets=probes:last-8", "--encoder=BiLSTM 16", "--poolers=FirstPooler,LastPooler")


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, list[Job], list[Run]]]:
    """Run the command with a stand-in for training: its status, the jobs that were run, and the table."""

    def run(*arguments: str, measure: Measure = made) -> tuple[int, list[Job], list[Run]]:
        jobs: list[Job] = []

        def noted(job: Job) -> Sequence[Row] | Failure:
            jobs.append(job)
            return measure(job)

        monkeypatch.setattr(cli, "measure_alone", noted)
        monkeypatch.setattr(Job, "facts", lambda job: facts(job.dataset))
        path = tmp_path / "results" / "table.csv"
        status = main(["accuracy", *ASKED, f"--save={path}", *arguments])
        return status, jobs, read_table(Run, path) if path.exists() else []

    return run


def test_a_run_in_the_table_is_not_run_again(asked: Callable[..., tuple[int, list[Job], list[Run]]]) -> None:
    status, jobs, rows = asked("--seeds=1")
    assert (status, [job.pooler for job in jobs]) == (0, [row.pooler for row in rows])
    assert [row.pooler for row in rows] == ["majority class", "bag of words, linear", "FirstPooler", "LastPooler"]
    _, jobs, more = asked("--seeds=2")
    # A baseline of all texts says the same with every seed.
    assert [(job.seed, job.pooler) for job in jobs] == [(1, "FirstPooler"), (1, "LastPooler")]
    assert more[:4] == rows
    assert asked("--seeds=2")[1] == []
    # Other runs: fewer texts, a smaller budget, shorter texts.
    for other in ("--sizes=100", "--epochs=1", "--max_tokens=8"):
        _, jobs, _ = asked("--seeds=1", other)
        assert {"FirstPooler", "LastPooler"} <= {job.pooler for job in jobs}


def test_a_baseline_of_some_texts_depends_on_the_seed(
    asked: Callable[..., tuple[int, list[Job], list[Run]]],
) -> None:
    _, jobs, _ = asked("--seeds=2", "--sizes=100,4000")
    linear = [(job.size, job.seed) for job in jobs if job.pooler == "bag of words, linear"]
    assert linear == [(100, 0), (100, 1), (4000, 0)]


def test_ctrl_c_keeps_what_was_measured(
    asked: Callable[..., tuple[int, list[Job], list[Run]]], capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(job: Job) -> list[Row]:
        if job.pooler == "FirstPooler":
            raise KeyboardInterrupt
        return made(job)

    status, _, rows = asked("--seeds=1", measure=stopped)
    assert (status, len(rows)) == (130, 2)
    assert "stopped: the same command goes on from here" in capsys.readouterr().out
    status, jobs, _ = asked("--seeds=1")
    assert (status, [job.pooler for job in jobs]) == (0, ["FirstPooler", "LastPooler"])


def test_a_run_that_fails_is_told_and_leaves_the_others(
    asked: Callable[..., tuple[int, list[Job], list[Run]]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "executable", "false")

    def failing(job: Job) -> Sequence[Row] | Failure:
        return measure_alone(job) if job.pooler == "FirstPooler" else made(job)

    status, _, rows = asked("--seeds=1", measure=failing)
    assert (status, len(rows)) == (1, 3)
    said = capsys.readouterr().out
    assert "failed: Job(study='poolers', dataset='probes:last-8'" in said
    assert "exit status 1: it said nothing" in said


@pytest.fixture
def loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network of this machine alone, for the cluster's servers."""

    def local(host: str | None, *rest: Any, **given: Any) -> Any:
        if host not in (None, "127.0.0.1"):
            raise RuntimeError(f"tests must not use the network: {host!r} was to be reached")
        return _socket.getaddrinfo(host, *rest, **given)

    monkeypatch.setattr(socket, "getaddrinfo", local)
    # Asked for this machine's address, it would look for a way out.
    monkeypatch.setattr("distributed.comm.inproc.get_ip", lambda: "127.0.0.1")


@pytest.mark.usefixtures("loopback")
def test_a_dask_cluster_runs_it_in_processes_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "mistakes.csv"
    asked = ["accuracy", "--study=mistakes", "--datasets=probes:last-8", "--encoder=BiLSTM 16", "--seeds=1"]
    asked += ["--epochs=1", "--sizes=200", "--poolers=BiConcatPooler", "--backend=dask", f"--save={path}"]
    with LocalCluster(  # type: ignore[no-untyped-call]  # Dask's
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0"
    ) as cluster:
        assert main([*asked, f"--scheduler={cluster.scheduler_address}"]) == 0
    rows = read_table(Run, path)
    assert {(row.study, row.pooler, row.train_size) for row in rows} == {("mistakes", "BiConcatPooler", 200)}
    assert len(rows) == len(PADDINGS) * (1 + len(FORMS["BiConcatPooler"]))
    assert all(0 < row.accuracy < 1 and row.commit for row in rows)


def test_processes_have_one_thread_each() -> None:
    with loky(2):
        threads = Parallel()(delayed(os.getenv)("OMP_NUM_THREADS") for _ in range(2))
        processes = set(Parallel()(delayed(os.getpid)() for _ in range(4)))
    assert threads == ["1", "1"]
    assert os.getpid() not in processes


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--seeds=0"], "seeds must be at least 1, 0 came"),
        (["--epochs=few"], "few"),
        (["--study=none"], "none"),
        (["--datasets=nowhere"], "the datasets are 20_newsgroups, "),
        (["--datasets=trec", "--data=nowhere"], "nowhere/trec': give --data the folder that holds"),
        (["--datasets=probes:last-1"], "the probes are needle, first, last, order, majority, count"),
        (["--sizes=4001"], "probes:last-8 has 4,000 training texts, 4,001 were asked for"),
        (["--sizes=10,few"], "sizes must be whole numbers above 0 with commas between them, '10,few' came"),
        (["--poolers=NoPooler"], "there is no pooler 'NoPooler', there are "),
        (["--poolers=QueryAttentionPooler"], "QueryAttentionPooler cannot be measured: "),
        (["--save=table.txt"], "save must be named *.csv, 'table.txt' came"),
        (["--scheduler=tcp://nowhere:1"], "scheduler is the address of a Dask cluster: give backend dask with it"),
        (["--backend=dask", "--scheduler=nowhere://"], "there is no Dask scheduler at 'nowhere://': "),
    ],
    ids=lambda value: value[-1] if isinstance(value, list) else "",
)
def test_bad_input_is_one_line(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["accuracy", *ASKED, "--seeds=1", *arguments])
    error = capsys.readouterr().err
    assert (ended.value.code, error.count("\n")) == (2, 1)
    assert error.startswith("error: ")
    assert said in error
