"""The targets: each cell that misses one is named, with its reason."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.throughput.network import ENCODER, TEXTBOOK
from benchmarks.throughput.report import misses
from benchmarks.throughput.rows import Results, Row, table
from benchmarks.throughput.targets import read_reasons
from benchmarks.throughput.training import TrainingRow
from tests.benchmarks.conftest import CASE

HEADER = "pooler,layout,against,device,reason\n"
Made = Callable[..., Row]


def lines(rows: list[Row], device: str, folder: Path) -> list[str]:
    there = [replace(row, device=device) for row in rows]
    return [line for line in misses(Results({"device": device}, there), folder) if line]


def test_a_missed_cell_has_its_first_reason_that_fits(row: Made, tmp_path: Path) -> None:
    (tmp_path / "reasons.csv").write_text(
        HEADER + "max,,textbook,,of another pooler\n,padded,textbook,cpu,it fuses\n,,,,another\n"
    )
    rows = [row(1.0), row(0.5, contender="textbook", ratio=0.5), row(0.7, contender="bmm", ratio=0.7)]
    found = lines(rows, "cpu", tmp_path)
    assert f"- {CASE}, forward: 0.50 of the limit: another" in found
    assert f"- {CASE}, forward: textbook 0.50 [0.45, 0.55]: it fuses" in found
    assert f"- {CASE}, forward: bmm 0.70 [0.63, 0.77]: another" in found
    (tmp_path / "reasons.csv").write_text("pooler,reason\n")
    with pytest.raises(ValueError, match=r"reasons\.csv must have the columns pooler, layout, against, device, reason"):
        read_reasons(tmp_path / "reasons.csv")


def test_a_rival_that_is_faster_within_the_noise_beats_nobody(row: Made, tmp_path: Path) -> None:
    found = lines([row(1.0), row(0.95, contender="bmm", ratio=0.95)], "cpu", tmp_path)
    assert "## Target: no rival is faster beyond the noise, each in each cell: kept in 1 of 1" in found


def test_on_a_gpu_only_large_tables_are_held_to_the_limit(row: Made, tmp_path: Path) -> None:
    large = replace(CASE, shape="64x1024x512")
    found = lines([row(1.0), row(1.0, large), row(1.0, replace(large, pooler="last"))], "cuda", tmp_path)
    assert found[0].endswith("on tables above 64 MB: kept in 0 of 1")
    assert found[1] == f"- {large}, forward: 0.50 of the limit: no reason known"
    assert not any("training" in line for line in found)


def test_skewed_lengths_are_held_to_three_times_the_textbook(row: Made, tmp_path: Path) -> None:
    equal, flat = replace(CASE, shape="3x5x4"), replace(CASE, layout="nested")
    rows = [row(2.0, case, contender="textbook", ratio=2.0) for case in (CASE, equal, flat)]
    rows.append(row(3.0, replace(CASE, pooler="sum"), contender="textbook", ratio=3.0))
    found = lines(rows, "cuda", tmp_path)
    place = found.index("## Target: 3 times the textbook padded form or more, on skewed lengths: kept in 1 of 2")
    assert found[place + 1] == f"- {CASE}, forward: textbook 2.00 [1.80, 2.20]: no reason known"


def test_small_tables_may_launch_no_more_than_the_rival_that_launches_least(row: Made, tmp_path: Path) -> None:
    def launching(launches: int, contender: str, pooler: str) -> Row:
        return replace(row(1.0, replace(CASE, pooler=pooler), contender=contender), launches=launches)

    rows = [launching(*made, "mean") for made in ((3, "seqpool"), (2, "embedding_bag"), (7, "textbook"))]
    rows += [launching(*made, "sum") for made in ((2, "seqpool"), (2, "embedding_bag"))]
    rows.append(replace(row(1.0, replace(CASE, shape="64x1024x512")), launches=9))
    found = lines(rows, "cuda", tmp_path)
    assert "tables up to 64 MB: kept in 1 of 2" in found[-2]
    assert found[-1] == f"- {CASE}, forward: 3 launches, embedding_bag 2: no reason known"


def test_training_is_read_from_its_own_file(row: Made, tmp_path: Path) -> None:
    name = "## Target: a training step with uneven lengths at twice the textbook packed form or more"
    assert f"{name}: not measured" in lines([row(1.0)], "cpu", tmp_path)

    def step(batches: str, shape: str, way: str, ratio: float) -> TrainingRow:
        return TrainingRow("cpu", batches, shape, way, 0.5, 5, 1.0, 1.0, 1.0, 1.0, 1.0, ratio, ratio, ratio)

    rows = [
        step("random", "8x9x4:uniform", TEXTBOOK, 2.5), step("random", "8x7x4:uniform", TEXTBOOK, 1.5),
        step("random", "8x7x4", TEXTBOOK, 1.0), step("length-bucketed", "8x7x4:uniform", TEXTBOOK, 1.0),
        step("random", "8x7x4:uniform", ENCODER, 1.0),
    ]  # fmt: skip  # a table
    (tmp_path / "training-cpu.csv").write_text(table(TrainingRow, rows))
    found = lines([row(1.0)], "cpu", tmp_path)
    assert f"{name}: kept in 1 of 2" in found
    assert found[-1] == "- training, 8x7x4:uniform: 1.50 [1.50, 1.50]: no reason known"
