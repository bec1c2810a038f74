"""How the command ends: stopped, out of time, wrong."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from benchmarks.__main__ import main
from benchmarks.throughput import devices
from benchmarks.throughput.rows import LeftOut, Results, Row
from seqpool.ops.choice import kernels_for
from tests.benchmarks.conftest import CASE


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Results], int]], int]:
    """Run the command with another way to fill its results."""
    monkeypatch.setitem(devices.COPIED, "cpu", 2**16)

    def run(fill: Callable[[Results], int]) -> int:
        monkeypatch.setattr("benchmarks.throughput.cli.run", lambda *given: fill(given[2]))
        return main(["throughput", "--save", str(tmp_path / "a.csv")])

    return run


def test_the_backend_that_is_asked_for_is_the_one_that_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(devices.COPIED, "cpu", 2**16)
    rows = torch.ones(2, 3)
    took: list[bool] = []

    def run(*given: object) -> int:
        took.append(kernels_for(rows) is not None)
        return 0

    monkeypatch.setattr("benchmarks.throughput.cli.run", run)
    for name in ("reference", "triton"):
        path = tmp_path / f"{name}.csv"
        assert main(["throughput", "--backend", name, "--save", str(path)]) == 0
        assert Results.read(path).facts["backend"] == name
    assert took == [False, True]
    assert kernels_for(rows) is None


def test_ctrl_c_is_reported_on(
    command: Callable[[Callable[[Results], int]], int], row: Callable[..., Row], capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(results: Results) -> int:
        results.rows.append(row(1.0))
        raise KeyboardInterrupt

    assert command(stopped) == 130
    said = capsys.readouterr().out
    assert "stopped: the same command goes on from here\n" in said
    assert "a.csv, 1 rows\n" in said


def test_what_the_deadline_left_is_said(
    command: Callable[[Callable[[Results], int]], int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(lambda _: 3) == 0
    assert "time is up, 3 cases are left: the same command goes on with them\n" in capsys.readouterr().out


def test_a_wrong_result_of_ours_is_an_exit_status(
    command: Callable[[Callable[[Results], int]], int], capsys: pytest.CaptureFixture[str]
) -> None:
    def wrong(results: Results) -> int:
        results.left_out.append(LeftOut(**vars(CASE), passes="forward", contender="seqpool", reason="off by 1"))
        return 0

    assert command(wrong) == 1
    assert f"seqpool: {CASE}, forward: off by 1\n" in capsys.readouterr().out
