"""What the report says of a few rows: one pooler alone, seeds and commits that differ, budgets, points twice."""

from dataclasses import fields
from pathlib import Path

import pytest

from benchmarks.__main__ import main
from benchmarks.accuracy.rows import Point
from benchmarks.evidence import points
from benchmarks.evidence.raw import read_all
from tests.benchmarks.report_cases import ACCURACY, accuracy_rows, point, write_csv


def test_one_pooler_beside_baselines_wins_nothing(tmp_path: Path) -> None:
    rows = [
        *accuracy_rows("a", "BiConcatPooler", ((9, 9), (9, 9))),
        *accuracy_rows("a", "majority class", ((5, 5), (5, 5))),
    ]
    text = "\n".join(reported(tmp_path, rows))
    assert "Highest mean: BiConcatPooler, 0.900; the only pooler that ran: **no winner**." in text
    assert "| BiConcatPooler 0.900 [0.900, 0.900], the only pooler that ran | none | none | none | not run |" in text
    assert "winner**:" not in text
    # Two seeds, one value: no interval is claimed.
    assert "| majority class | 2 | 0.500, the same for every seed | -0.400 [-0.400, -0.400] | **worse** |" in text


def test_a_number_says_what_must_be_known_to_read_it(tmp_path: Path) -> None:
    rows = [
        *accuracy_rows("a", "BiConcatPooler", ((9, 9), (9, 9))),
        *accuracy_rows("a", "LastPooler", ((9, 9), (9, 9), (8, 8))),
    ]
    rows[-1][ACCURACY.index("commit")] = "c1"
    for row in rows:
        row[ACCURACY.index("peak_mb")] = ""
    lines = reported(tmp_path, rows)
    told = (
        "| LastPooler | 3 | 0.867 [0.723, 1.000], 2 commits | +0.000 [+0.000, +0.000], 2 seeds | tie | 0.500 | 3 |  |"
    )
    assert told in lines


def test_budgets_that_follow_from_the_size_share_a_grid(tmp_path: Path) -> None:
    rows = [
        *accuracy_rows("a", "LastPooler", ((7, 7), (7, 7)), "sizes", 50),
        *accuracy_rows("a", "LastPooler", ((9, 9), (9, 9)), "sizes", 100),
    ]
    for row in rows[:2]:
        row[ACCURACY.index("epochs")] = "6"
    assert "| LastPooler | 0.700 [0.700, 0.700] | 0.900 [0.900, 0.900] |" in reported(tmp_path, rows)
    again = accuracy_rows("a", "LastPooler", ((8, 8),), "sizes", 100)
    again[0][ACCURACY.index("epochs")] = "6"
    lines = reported(tmp_path, [*rows, *again])
    assert "Accuracy; a, BiLSTM, 6 epochs; by training texts:" in lines
    assert "| LastPooler | 0.700 [0.700, 0.700] | 0.800 |" in lines


def reported(folder: Path, rows: list[list[str]]) -> list[str]:
    """The report of one table."""
    (folder / "results").mkdir(exist_ok=True)
    write_csv(folder / "results" / "a.csv", list(ACCURACY), *rows)
    assert main(["report", str(folder / "results")]) == 0
    return (folder / "REPORT.md").read_text("utf-8").splitlines()


def test_a_point_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    heads = [field.name for field in fields(Point)]
    row = point(heads, seed=0, step=1, value=2)
    write_csv(tmp_path / "a.csv", heads, row, point(heads, seed=0, step=1, value=2, content_hash="0b"), row)
    with pytest.raises(ValueError, match="a point counts once, a:1 and a:3 are the same: remove one of the rows"):
        points.points(read_all(tmp_path))
    write_csv(tmp_path / "a.csv", heads, row, point(heads, seed=1, step=1, value=2, content_hash="0b"))
    assert [one.seeds for one in points.points(read_all(tmp_path))] == [1, 1]  # other texts are another curve


def test_an_importance_ends_at_0_and_1_and_a_norm_is_not_below_0(tmp_path: Path) -> None:
    heads = [field.name for field in fields(Point)]
    rows = [point(heads, seed=seed, step=1, value=seed, measure="word importance") for seed in (0, 1)]
    write_csv(tmp_path / "a.csv", heads, *rows)
    (found,) = points.points(read_all(tmp_path))
    assert (found.value.value, found.value.low, found.value.high) == (0.5, 0.0, 1.0)
    write_csv(tmp_path / "a.csv", heads, *rows, point(heads, seed=0, step=1, value=-2, measure="gradient norm"))
    with pytest.raises(ValueError, match=r"a\.csv: row 3: a gradient norm is never below 0, -2 came"):
        points.points(read_all(tmp_path))
