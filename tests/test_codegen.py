"""Machine code of every kernel, compiled ahead of time: no spill, loads of 16 bytes, no barrier in the loop."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.codegen.command import main

TARGETS = ("sm_80", "sm_90", "sm_100", "gfx942")
READERS = {"total", "peak", "attend", "logsumexp", "variation", "attend_by", "attend_by_gradient"}
WRITERS = {"spread", "score_gradient", "row_gradient", "share_gradient", "line_gradient"}


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Python by itself, where kernels are compiled rather than interpreted."""
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    command = [sys.executable, "-m", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=Path(__file__).parents[1])


PAIRS = [["sm_90", "gfx942"], ["sm_80", "sm_100"]]
QUICK = [pytest.param(pair, ["--quick"]) for pair in PAIRS]
FULL = [pytest.param([target], [], marks=pytest.mark.full) for target in TARGETS]


@pytest.mark.parametrize(("targets", "options"), [*QUICK, *FULL], ids=" ".join)
def test_every_configuration_runs_at_the_speed_of_memory(
    targets: list[str], options: list[str], tmp_path: Path
) -> None:
    file = tmp_path / "codegen.csv"
    done = run("benchmarks", "codegen", "--csv", file, "--targets", *targets, *options)
    assert done.returncode == 0, done.stdout + done.stderr
    with file.open() as lines:
        rows = list(csv.DictReader(lines))
    assert {row["kernel"] for row in rows} == READERS | WRITERS
    assert {row["target"] for row in rows} == set(targets)
    assert {row["faults"] for row in rows} == {""}
    assert {row["spilled"] for row in rows} == {"0"}
    assert all(int(row["registers"]) > 0 for row in rows)
    assert all(float(row["instructions_a_row"]) > 0 for row in rows)


def test_planted_breaches_are_seen() -> None:
    done = run("tests.codegen_planted")
    assert done.returncode == 0, done.stderr
    said = {tuple(line.split("|")[:2]): line.split("|")[2] for line in done.stdout.splitlines()}
    for target in ("sm_90", "gfx942"):
        assert said["nothing", target] == ""
        assert "spills" in said["spill", target]
        assert "0 loads of 16 bytes a tile" in said["two bytes", target]
        assert "loads of 16 bytes a tile" in said["two bytes a gradient", target]
        assert "stores of 16 bytes" not in said["two bytes a gradient", target]
        assert "bytes in flight an SM, 32768 are needed" in said["few bytes", target]
        assert "barriers in the loop" in said["barrier", target]


def test_an_unknown_target_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--targets", "sm_1"])
    assert "--targets: unknown sm_1; choose from sm_80, sm_90, sm_100, gfx942" in capsys.readouterr().err
