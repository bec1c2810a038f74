"""What the report says of raw results: numbers checked by hand, verdicts, what is missing, and that it is fresh."""

import re
import shutil
from pathlib import Path

import matplotlib as mpl
import pytest

from benchmarks.__main__ import main
from benchmarks.evidence import accuracy, runs
from benchmarks.evidence.command import BENCHMARKS
from benchmarks.evidence.raw import read_all
from tests.benchmarks.report_cases import ACCURACY, accuracy_rows, small_results, write_csv

BUILT_BY = f"Matplotlib v{mpl.__version__}".encode()


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The report of the small results, which the command wrote."""
    results = small_results(tmp_path_factory.mktemp("report") / "results")
    assert main(["report", str(results)]) == 0
    return (results.parent / "REPORT.md").read_text("utf-8").splitlines()


def test_means_differences_and_verdicts(lines: list[str]) -> None:
    # Accuracies 0.9, 0.95, 0.9 against 0.7, 0.75, 0.7: t(0.975, 2) = 4.3027, s = 0.028868, margin 0.0717.
    assert (
        "| MaskedMaxPooler | 3 | 0.917 [0.845, 0.988] | +0.200 [+0.200, +0.200] | **better** | 0.500 | 3 | 500 |"
        in lines
    )
    # 0.7, 0.7, 0.8 against the same: differences 0, -0.05, 0.1.
    assert "| MaskedMeanPooler | 3 | 0.733 [0.590, 0.877] | +0.017 [-0.173, +0.206] | tie | 0.500 | 3 | 500 |" in lines
    assert (
        # 0.8 against 0.7, 0.75, 0.7: what is the same for every seed is held against all of them.
        "| bag of words, linear | 1 | 0.800, the same for every seed | +0.083 [+0.012, +0.155] | **better** "
        "| 0.500 | 3 | 500 |"
    ) in lines
    text = "\n".join(lines)
    # 0.845 lies below 0.877.
    assert (
        "Highest mean: MaskedMaxPooler, 0.917; its interval overlaps those of MaskedMeanPooler: **no winner**." in text
    )
    assert "1 of 3 poolers have a mean above the bag of words." in text
    assert "| MaskedMaxPooler | 0.900 [0.900, 0.900] | 0.933 [0.790, 1.000] |" in lines


def test_a_study_stands_along_its_axis(lines: list[str]) -> None:
    # One row of two seeds (0.9, 0.85; t = 12.706), then one of a single seed.
    assert "|   | 50 | 1,000 |" in lines
    assert "| BiConcatPooler | 0.875 [0.557, 1.000] | 0.900 |" in lines
    # The cost of a form is taken seed by seed: -0.6 and -0.6.
    assert r"| output\[:, -1\] | 0.000 [0.000, 0.000] | -0.600 [-0.600, -0.600] |" in lines
    # What nothing was added to begins every row: 0.8, 0.9. Then 0.75, 0.8, and the differences -0.05, -0.1.
    assert "| left | 0.850 [0.215, 1.000] | 0.775 [0.457, 1.000] |" in lines
    assert "| left | -0.075 [-0.393, 0.243] |" in lines
    # With padding read 0.6, 0.9, without 0.8, 0.9.
    assert "| LastPooler | -0.100 [-1.371, 1.171] |" in lines
    # The main study's baseline on the same texts, once in each of the three.
    assert lines.count("Baselines on the texts as they are: bag of words, linear 0.800, the same for every seed.") == 3


def test_curves_stand_by_step_and_by_position_at_three_looks(lines: list[str]) -> None:
    assert "|   | 5 | 10 | 15 |" in lines
    # 2 and 4: t of one degree of freedom is 12.7062, so sqrt(8) times 2^(-+ 12.7062 / 2).
    assert "| LastPooler | 2.83 [0.0346, 231] | 1 [1, 1] | ∞ |" in lines
    assert "| FirstPooler | 2e+20 | 4e-05 | not run |" in lines
    # Seeds 0 and 1 at 0, no logarithm; 6 and 7 + 1; 12 and 14 + 1. Only seed 0 was looked at once more, at 18.
    steps = [line.rpartition("after step ")[2] for line in lines if line.startswith("Gradient norm;")]
    assert steps == ["0; by position:", "6 to 7; by position:", "12 to 14; by position:"]
    for row in ("0", "6.93 [1.11, 43.1]", "13.4 [3.25, 55.4]"):
        assert f"| LastPooler | {row} | {row} |" in lines


def test_what_is_missing_is_said(lines: list[str]) -> None:
    assert any(line.startswith("Datasets planned and not run: sst2\\_sentences, ") for line in lines)
    assert "Studies planned and not run: importance." in lines
    missing = [line.removeprefix("Not run: ").split(", ") for line in lines if line.startswith("Not run: ")]
    assert [names[:3] for names in missing] == [
        ["MaskedMaxPooler", "MaskedMeanPooler", "bag of words"],
        ["MaskedMaxPooler &lt;b&gt;bold&lt;/b&gt;", "LastHiddenPooler", "BiMergePooler"],
    ]
    assert [names[-1] for names in missing] == ["AttentiveStatisticsPooler."] * 2
    assert "GPU: not measured." in lines
    assert (
        "| mean | 0.50 | not measured | not measured | not measured | not measured | not measured | not measured |"
        in lines
    )


def test_text_of_the_results_stays_text(lines: list[str]) -> None:
    text = "\n".join(lines)
    assert "probe &lt;script&gt;window.planted = 1&lt;/script&gt;" in text
    assert r"| none \| \$x\$ | 0 | 0 |" in lines
    assert not re.search("<script|<b>", text)


def test_kernels_are_told_by_their_worst_case_as_a_model(lines: list[str]) -> None:
    assert "| total | sm_90 | 3 | 50 | 16 | 65,536 | 1 |" in lines
    assert any("not a measurement" in line for line in lines)


def test_a_winner_is_one_whose_interval_overlaps_none(tmp_path: Path) -> None:
    rows = [
        *accuracy_rows("a", "BiConcatPooler", ((5, 5), (5, 5))),
        *accuracy_rows("a", "LastPooler", ((9, 9), (9, 9))),
    ]
    write_csv(tmp_path / "a.csv", list(ACCURACY), *rows)
    cells = accuracy.cells(runs.runs(read_all(tmp_path)))
    assert accuracy.leaders(cells) == ["LastPooler"]
    assert accuracy.leaders(cells[:1]) == ["BiConcatPooler"]
    single = accuracy.cells(runs.runs(read_all(tmp_path))[1:])
    assert accuracy.leaders(single) == ["LastPooler", "BiConcatPooler"]  # one seed has no interval to stand apart by


def test_what_is_twice_or_in_two_files_is_refused(tmp_path: Path) -> None:
    twice = accuracy_rows("a", "LastPooler", ((9, 9), (8, 8)))
    write_csv(tmp_path / "a.csv", list(ACCURACY), *twice, twice[0])
    with pytest.raises(ValueError, match="a run counts once, a:1 and a:3 are the same: remove one of the rows"):
        runs.runs(read_all(tmp_path))
    write_csv(tmp_path / "a.csv", list(ACCURACY), twice[0])
    write_csv(tmp_path / "b.csv", list(ACCURACY), twice[1])
    with pytest.raises(ValueError, match="must stand in one file, a:1 and b:1 came: put them into one CSV"):
        accuracy.cells(runs.runs(read_all(tmp_path)))


def test_a_number_names_the_raw_rows_it_rests_on(tmp_path: Path) -> None:
    rows = [*accuracy_rows("a", "LastPooler", ((9, 9), (8, 8))), *accuracy_rows("a", "BiConcatPooler", ((5, 5),))]
    write_csv(tmp_path / "raw.csv", list(ACCURACY), *rows)
    last, _ = accuracy.cells(runs.runs(read_all(tmp_path)))
    assert str(last.accuracy.source) == "raw:1,2"
    assert last.difference is not None
    assert str(last.difference.source) == "raw:1,3"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must be a CSV with a header"),
        ("a,b\n1\n", "row 1 must have 2 fields as the header, 1 came"),
        (",".join(ACCURACY) + "\n" + ",".join("x" * len(ACCURACY)) + "\n", r"row 1 cannot be read: .*'x'"),
    ],
)
def test_a_bad_file_is_one_line_and_writes_nothing(
    text: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "a.csv").write_text(text)
    with pytest.raises(SystemExit) as stopped:
        main(["report", str(tmp_path / "results")])
    assert stopped.value.code == 2
    assert re.search(rf"error: .*a\.csv.*{message}", capsys.readouterr().err)
    assert [path.name for path in tmp_path.iterdir()] == ["results"]


def kept(root: Path) -> dict[str, bytes]:
    """What the command writes and the repository keeps."""
    patterns = ("REPORT.md", "plots/*.svg", "results/*.svg", "results/*.md")
    return {str(path.relative_to(root)): path.read_bytes() for pattern in patterns for path in root.glob(pattern)}


def test_the_committed_report_is_fresh(tmp_path: Path) -> None:
    shutil.copytree(BENCHMARKS / "results", tmp_path / "results", ignore=shutil.ignore_patterns("*.svg", "*.md"))
    assert main(["report", str(tmp_path / "results")]) == 0
    now, committed = kept(tmp_path), kept(BENCHMARKS)
    assert sorted(now) == sorted(committed), "run python -m benchmarks report, and remove plots of what is no more"
    # Another matplotlib draws other files of the same numbers, which stand in the text too.
    alike = [name for name in now if not name.endswith(".svg") or BUILT_BY in committed[name]]
    assert [name for name in alike if now[name] != committed[name]] == [], "run python -m benchmarks report"
