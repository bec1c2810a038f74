"""The table of RNNEncoder's routes."""

import csv
from pathlib import Path

import pytest
import torch

from benchmarks import routes
from benchmarks.__main__ import main
from seqpool.rnn import RNNEncoder


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "SHAPES", ((9, 6),))
    monkeypatch.setattr(routes, "HIDDEN", (4,))
    monkeypatch.setattr(routes, "FILLS", (0.2, 1.0))
    monkeypatch.setattr(torch, "set_num_threads", int)


@pytest.mark.usefixtures("small")
def test_every_cell_has_a_row_and_the_summary_counts_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = tmp_path / "routes.csv"
    assert main(["routes", "--rounds", "2", "--output", str(kept)]) == 0
    stamp, *lines = kept.read_text().splitlines()
    rows = list(csv.DictReader(lines))
    assert len(rows) == len(list(routes.cells())) == 4 * 3 * 2 * 2
    for row in rows:
        times = {name: float(row[f"{name}_ms"]) for name in ("module", "reversed", "groups")}
        assert times[row["best"]] == min(times.values())
        assert float(row["cost_p20"]) <= float(row["cost"]) <= float(row["cost_p80"])
    said = capsys.readouterr().out.splitlines()
    assert f"# {said[0]}" == stamp
    lstm = next(line.split() for line in said if line.startswith("LSTM ") and "training" in line)
    group = [row for row in rows if row["kind"] == "LSTM" and row["training"] == "True"]
    wins = [sum(row["best"] == route for row in group) for route in ("module", "reversed", "groups")]
    near = sum(float(row["cost"]) <= 1.1 for row in group) / len(group)
    assert lstm[2:] == ["6", *map(str, wins), f"{near:.0%}", f"{max(float(row['cost']) for row in group):.2f}"]


@pytest.mark.usefixtures("small")
def test_a_route_that_differs_gets_no_row(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    right = RNNEncoder.forward
    monkeypatch.setattr(RNNEncoder, "forward", lambda self, *given: right(self, *given) + 1)
    with pytest.raises(AssertionError, match="not close"):
        main(["routes", "--output", str(tmp_path / "routes.csv")])


def test_too_few_rounds(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["routes", "--rounds", "1"])
    assert "needs --rounds >= 2 and --every >= 1, 1 and 1 came" in capsys.readouterr().err
