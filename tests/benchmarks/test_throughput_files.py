"""Result files: whole, read back as written, gone on with after an interruption."""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks.throughput.measure import COMPILED, Bench, Outcome
from benchmarks.throughput.rows import Case, LeftOut, Results, Row, read_table, table
from benchmarks.throughput.run import QUICK, Plan, open_results, run, wrong
from benchmarks.throughput.shapes import Shape
from tests.benchmarks.conftest import CASE

FACTS = {"device": "cpu", "torch": "2"}
PLAN = Plan(("sum", "mean"), ("padded", "flat"), (Shape(2, 3, 4),), ("float32",), compiled=False)
SILENT = Console(quiet=True)


def test_rows_come_back_as_they_were(tmp_path: Path, row: Callable[..., Row]) -> None:
    path = tmp_path / "new" / "a.csv"
    left = LeftOut(**vars(CASE), passes="forward", contender="PyG, ptr", reason='it said "no", twice')
    results = Results(FACTS, [row(1 / 3), row(2e-7, contender="PyG, index")], [left], [CASE])
    results.write(path)
    assert Results.read(path) == results
    assert sorted(found.name for found in path.parent.iterdir()) == ["a.csv", "a.json"]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, row: Callable[..., Row]) -> None:
    path = tmp_path / "a.csv"
    results = Results(FACTS, [row(1.0)], [], [CASE])
    results.write(path)
    results.rows = [replace(row(2.0), contender="no UTF-8: \ud800")]
    with pytest.raises(UnicodeEncodeError):
        results.write(path)
    assert read_table(Row, path) == [row(1.0)]
    assert sorted(found.name for found in tmp_path.iterdir()) == ["a.csv", "a.json"]


def test_rows_of_an_unfinished_case_are_dropped(tmp_path: Path, row: Callable[..., Row]) -> None:
    other = replace(CASE, pooler="sum")
    path = tmp_path / "a.csv"
    Results(FACTS, [row(1.0), row(1.0, other)], [], [CASE]).write(path)
    assert [found.case for found in Results.read(path).rows] == [CASE]


@pytest.mark.parametrize("text", ["", "[]", "{", '{"facts": {}}'])
def test_another_json_is_refused(text: str, tmp_path: Path, row: Callable[..., Row]) -> None:
    path = tmp_path / "a.csv"
    path.write_text(table(Row, [row(1.0)]))
    path.with_suffix(".json").write_text(text)
    with pytest.raises(ValueError, match=r"a\.csv must be a CSV that `python -m benchmarks throughput` wrote"):
        Results.read(path)


def test_other_columns_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match=r"must have the columns device, pooler, .*; \['a', 'b'\] came"):
        read_table(Row, path)


def test_another_machine_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    assert open_results(path, FACTS).rows == []
    Results(FACTS).write(path)
    assert open_results(path, FACTS).facts == FACTS
    with pytest.raises(ValueError, match=r"where torch was '2', here it is '3': .* give --save another name"):
        open_results(path, FACTS | {"torch": "3"})


def test_another_backend_is_refused(tmp_path: Path) -> None:
    Results(FACTS | {"backend": "reference"}).write(tmp_path / "a.csv")
    with pytest.raises(ValueError, match="where backend was 'reference', here it is 'triton'"):
        open_results(tmp_path / "a.csv", FACTS | {"backend": "triton"})


def measured_by(row: Callable[..., Row], seen: list[Case], stop_at: int = -1) -> Callable[[Case, Bench], Outcome]:
    """Measures without measuring; raises what Ctrl-C raises at one case."""

    def measure(case: Case, bench: Bench) -> Outcome:
        if len(seen) == stop_at:
            raise KeyboardInterrupt
        seen.append(case)
        return Outcome([row(1.0, case)], [])

    return measure


def test_an_interrupted_run_keeps_its_rows_and_goes_on(tmp_path: Path, bench: Bench, row: Callable[..., Row]) -> None:
    path = tmp_path / "a.csv"
    first: list[Case] = []
    with pytest.raises(KeyboardInterrupt):
        run(PLAN, bench, Results(FACTS), path, SILENT, measured_by(row, first, stop_at=3))
    held = open_results(path, FACTS)
    assert [found.case for found in held.rows] == first == PLAN.cases()[:3]
    rest: list[Case] = []
    assert run(PLAN, bench, held, path, SILENT, measured_by(row, rest)) == 0
    assert first + rest == PLAN.cases() == Results.read(path).finished


def test_compiled_forms_are_measured_later_on(tmp_path: Path, bench: Bench, row: Callable[..., Row]) -> None:
    """The whole case anew, in place of what was known; once."""
    path, seen = tmp_path / "a.csv", list[Case]()
    left = [LeftOut(**vars(case), passes="forward", contender="bmm", reason="off") for case in PLAN.cases()]
    Results(FACTS, [row(1.0, case) for case in PLAN.cases()], left, PLAN.cases()).write(path)

    def measure(case: Case, bench: Bench) -> Outcome:
        seen.append(case)
        return Outcome([row(2.0, case), row(3.0, case, COMPILED)], [])

    for _ in range(2):
        held = Results.read(path)
        run(replace(PLAN, poolers=["sum"], compiled=True), bench, held, path, SILENT, measure)
    again = [case for case in PLAN.cases() if case.pooler == "sum"]
    others = [case for case in PLAN.cases() if case.pooler != "sum"]
    assert seen == again
    assert [row.median_ms for row in held.rows] == [1.0] * len(others) + [2.0, 3.0] * len(again)
    assert [entry.case for entry in held.left_out] == others
    assert held.finished == others + again


def test_no_case_starts_after_the_deadline(
    tmp_path: Path, bench: Bench, row: Callable[..., Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Case] = []
    monkeypatch.setattr(time, "monotonic", lambda: 100.0 + 10 * len(seen))
    plan = replace(PLAN, deadline=15.0)
    assert run(plan, bench, Results(FACTS), tmp_path / "a.csv", SILENT, measured_by(row, seen)) == 2
    assert seen == PLAN.cases()[:2]
    assert json.loads((tmp_path / "a.json").read_text())["finished"] == [vars(case) for case in seen]
    assert QUICK.deadline < 120


def test_what_is_wrong_with_ours_is_said() -> None:
    left = [
        LeftOut(**vars(CASE), passes="forward", contender=name, reason="off")
        for name in ("seqpool", "seqpool, compiled", "PyG, ptr")
    ]
    place = f"{CASE}, forward: off"
    assert wrong(Results(FACTS, [], left)) == [f"seqpool: {place}", f"seqpool, compiled: {place}"]
