"""What is read: the report with its plots, the comparison of two files, and the commands."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.__main__ import main
from benchmarks.throughput import devices
from benchmarks.throughput.compare import compare
from benchmarks.throughput.report import write_report
from benchmarks.throughput.rows import LeftOut, Results, Row
from benchmarks.throughput.shapes import SHAPES, SPREADS, Shape
from tests.benchmarks.conftest import CASE

FACTS = {"device": "cpu", "torch": "2"}
LARGE = replace(CASE, shape="64x1024x512")


def test_the_report_names_what_misses_and_what_has_no_number(tmp_path: Path, row: Callable[..., Row]) -> None:
    rows = [row(1.0), row(0.5, contender="textbook", ratio=0.5), row(3.0, contender="PyG, ptr", ratio=3.0)]
    left = [LeftOut(**vars(CASE), passes="forward", contender="NestedTensor", reason="no backward")] * 2
    path = tmp_path / "a.csv"
    text = write_report(Results(FACTS, [*rows, row(2.0, LARGE)], left, [CASE, LARGE]), path).read_text()
    assert "- torch: 2\n" in text
    assert "- GPU: not measured\n" in text
    assert "| mean | padded | 1.000 [0.900, 1.100] | - | 0.333 | 0.50 | 0.1 | textbook 0.50 [0.45, 0.55]; PyG" in text
    assert "Target: sum and mean at 60% of the one-pass limit or more: kept in 0 of 2\n" in text
    assert f"\n- {LARGE}, forward: 0.50 of the limit: no reason known\n" in text
    assert "no rival is faster beyond the noise, each in each cell: kept in 1 of 2\n" in text
    assert f"\n- {CASE}, forward: textbook 0.50 [0.45, 0.55]: no reason known\n" in text
    assert f"- NestedTensor: no backward ({CASE}, forward and 1 more)\n" in text


def test_the_plots_are_drawn_alike_from_the_same_numbers(tmp_path: Path, row: Callable[..., Row]) -> None:
    pytest.importorskip("matplotlib", reason="an optional package, in the extra 'benchmarks'")
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        results = Results(FACTS, [row(1.0, LARGE), row(2.0, LARGE, contender="textbook")])
        text = write_report(results, tmp_path / name / "x.csv").read_text()
        assert "![throughput by length](x-length.svg)" in text
    for picture in ("x-limit.svg", "x-length.svg"):
        assert (tmp_path / "a" / picture).read_bytes() == (tmp_path / "b" / picture).read_bytes()


def test_without_matplotlib_the_report_says_so(
    tmp_path: Path, row: Callable[..., Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.throughput.report.find_spec", lambda _: None)
    text = write_report(Results(FACTS, [row(1.0)]), tmp_path / "a.csv").read_text()
    assert "Plots need matplotlib, which was not installed." in text


def test_an_empty_run_has_a_report(tmp_path: Path) -> None:
    assert "Without a number: 0" in write_report(Results(FACTS), tmp_path / "a.csv").read_text()


def test_a_planted_slowdown_is_found_and_noise_is_not(row: Callable[..., Row]) -> None:
    before = [row(1.0), row(1.0, LARGE), row(1.0, contender="textbook")]
    after = [row(1.15), row(1.5, LARGE), row(9.0, contender="textbook")]
    changes = compare(before, after)
    assert [(change.after.case, change.slower) for change in changes] == [(LARGE, True), (CASE, False)]
    assert [change.faster for change in compare(after, before)] == [False, True]
    # Tight intervals that lie apart are noise still where the median hardly moved.
    tight = [replace(found, p20_ms=found.median_ms, p80_ms=found.median_ms) for found in (row(1.0), row(1.04))]
    assert not compare(tight[:1], tight[1:])[0].slower


def test_compare_speaks_and_fails(tmp_path: Path, row: Callable[..., Row], capsys: pytest.CaptureFixture[str]) -> None:
    Results(FACTS, [row(1.0)], [], [CASE]).write(tmp_path / "a.csv")
    Results(FACTS | {"gpu": "other"}, [row(2.0)], [], [CASE]).write(tmp_path / "b.csv")
    assert main(["compare", str(tmp_path / "a.csv"), str(tmp_path / "b.csv")]) == 1
    said = capsys.readouterr().out
    assert "slower, beyond the noise: 1 of 1\n  x2.00  mean, padded, 3x5x4:uniform, float32, cpu, forward" in said
    assert "gpu: None -> other\nThe machines differ" in said
    assert main(["compare", str(tmp_path / "a.csv"), str(tmp_path / "a.csv")]) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["throughput", "--poolers", "mode"], "the poolers are sum, mean, .*; 'mode' came"),
        (["throughput", "--backend", "cuda"], "--backend: invalid choice: 'cuda'"),
        (["throughput", "--shapes", "64x256"], "a shape must be BxTxD .* '64x256' came: give three sizes above 0"),
        (["throughput", "--shapes", "0x2x3"], "'0x2x3' came"),
        (["throughput", "--shapes", "1x2x3:long"], "lengths out of equal, uniform, geometric, giant"),
        (["throughput", "--seconds", "0"], "--seconds must be above 0, 0.0 came"),
        (["throughput", "--threads", "0"], "--threads must be at least 1, 0 came"),
        (["throughput", "--save", "x.txt"], r"--save must be named \*.csv, x.txt came"),
        (["compare", "no.csv", "no.csv"], "No such file or directory: 'no.json'"),
        (["report", "no.csv"], "No such file or directory: 'no.json'"),
        (["training", "--rounds", "1"], "at least 2 rounds and 1 batch are needed, 1 and 8 came"),
        (["speed"], r"usage: python -m benchmarks verbs \| encoder \| routes \| throughput"),
    ],
)
def test_bad_input_is_one_line_and_status_2(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    try:
        status: object = main(arguments)
    except SystemExit as stopped:
        status = stopped.code
    assert status == 2
    said = capfd.readouterr()
    assert said.out == ""
    assert re.search(message, said.err)
    assert list(tmp_path.iterdir()) == []


def test_the_command_measures_reports_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(devices.COPIED, "cpu", 2**16)
    path = tmp_path / "a.csv"
    command = [
        "throughput",
        "--quick",
        "--poolers",
        "sum",
        "--layouts",
        "flat",
        "--shapes",
        "2x3x4",
        "--seconds",
        "1e-4",
    ]
    assert main([*command, "--save", str(path)]) == 0
    assert f"kept: {path}" in capsys.readouterr().out
    held = Results.read(path)
    assert {row.contender for row in held.rows} >= {"seqpool", "embedding_bag", "segment_reduce"}
    assert main([*command, "--save", str(path)]) == 0
    assert Results.read(path).rows == held.rows
    capsys.readouterr()
    assert main(["report", str(path)]) == 0
    assert capsys.readouterr().out == f"{path.with_suffix('.md')}\n"


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_shape_is_read_as_it_is_written(shape: Shape) -> None:
    assert Shape.parse(str(shape)) == shape
    lengths = shape.lengths()
    assert lengths.shape == (shape.batch,)
    assert lengths.min() >= 1
    assert lengths.max() == shape.steps
    assert lengths.equal(shape.lengths())


def test_lengths_are_spread_as_named() -> None:
    lengths = {spread: Shape(1000, 640, 1, spread).lengths().double() for spread in SPREADS}
    assert set(lengths["equal"].tolist()) == {640}
    assert 64 <= lengths["uniform"].min() < 80
    assert 330 < lengths["uniform"].mean() < 375
    assert 70 < lengths["geometric"].mean() < 90
    assert lengths["giant"].sort().values[-2] == 10
