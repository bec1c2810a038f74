"""The tables of accuracy: no row is lost, whatever is in it, and a file of something else is left alone."""

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.__main__ import main
from benchmarks.accuracy.budget import Cost
from benchmarks.accuracy.job import Job
from benchmarks.accuracy.rows import Point, Run
from benchmarks.accuracy.sweep import Table
from benchmarks.throughput.rows import read_table, table
from tests.benchmarks.accuracy_cases import facts, made


def test_two_commands_on_one_table_lose_no_row(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    first, second = Table(path, Run), Table(path, Run)
    jobs = [
        Job(study="poolers", dataset="probes:last-8", folder=".", encoder="BiLSTM 16", pooler="LastPooler", seed=seed)
        for seed in range(40)
    ]

    def add(kept: Table, some: Sequence[Job]) -> None:
        for job in some:
            kept.add(made(job))

    with ThreadPoolExecutor() as pool:
        # Both have run the jobs in the middle.
        for done in [pool.submit(add, first, jobs[:25]), pool.submit(add, second, jobs[15:])]:
            done.result()
    rows = read_table(Run, path)
    assert sorted(row.seed for row in rows) == list(range(40))
    assert [entry.name for entry in tmp_path.iterdir()] == ["table.csv"]


def test_a_number_that_is_not_finite_comes_back_from_the_table(tmp_path: Path) -> None:
    job = Job(study="gradients", dataset="probes:last-8", folder=".", encoder="BiLSTM 16", pooler="LastPooler", seed=0)
    for number, value in enumerate((math.inf, math.nan)):
        point = Point(
            **vars(replace(job, seed=number).cell(*facts(job.dataset))), step=0, measure="vanishing ratio", position="",
            value=value, texts=1, commit="x", torch="x", lightning="x", machine="x", date="x",
        )  # fmt: skip  # a table
        Table(tmp_path / "points.csv", Point).add([point])
    one, other = Table(tmp_path / "points.csv", Point).rows
    assert isinstance(one, Point)
    assert isinstance(other, Point)
    assert one.value == math.inf
    assert math.isnan(other.value)


def test_a_budget_has_a_row_for_each_cell(tmp_path: Path) -> None:
    path = tmp_path / "masking.csv"
    asked = ["--study=masking", "--datasets=probes:last-8", "--encoder=BiLSTM 16", "--budget=true", f"--save={path}"]
    assert (
        main(["accuracy", *asked, "--max_tokens=8", "--sizes=200", "--seeds=3", "--poolers=FirstPooler,LastPooler"])
        == 0
    )
    rows = read_table(Cost, tmp_path / "masking-budget.csv")
    assert [(row.study, row.variant, row.runs) for row in rows] == [
        ("masking", "max_tokens=8", 6),
        ("masking", "max_tokens=8; padding=read", 6),
    ]
    assert [row.hours for row in rows] == pytest.approx([6 * row.run_seconds / 3600 for row in rows])
    assert not path.exists()


def test_a_file_of_something_else_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "other.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(SystemExit) as ended:
        main(["accuracy", "--datasets=probes:last-8", "--seeds=1", "--poolers=FirstPooler", f"--save={path}"])
    assert ended.value.code == 2
    assert "must have the columns study, dataset, content_hash, " in capsys.readouterr().err
    assert path.read_text() == "a,b\n1,2\n"


def test_what_is_not_known_of_a_cost_is_read_and_written_as_nothing(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    job = Job(study="poolers", dataset="probes:last-8", folder=".", encoder="BiLSTM 16", pooler="LastPooler", seed=0)
    (made_row,) = made(job)
    assert isinstance(made_row, Run)
    row = replace(made_row, peak_mb=None)
    path.write_text(table(Run, [row]), encoding="utf-8")
    assert read_table(Run, path) == [row]
