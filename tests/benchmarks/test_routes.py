"""The table of RNNEncoder's routes."""

import csv
import json
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
    rows = list(csv.DictReader(kept.read_text().splitlines()))
    assert len(rows) == len(list(routes.cells())) == 4 * 3 * 2 * 2
    for row in rows:
        times = {name: float(row[f"{name}_ms"]) for name in ("module", "reversed", "groups")}
        assert times[row["best"]] == min(times.values())
        assert float(row["cost_p20"]) <= float(row["cost"]) <= float(row["cost_p80"])
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "device: cpu"
    assert json.loads(kept.with_suffix(".json").read_text())["facts"]["torch"] == torch.__version__
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


@pytest.mark.usefixtures("small")
def test_a_route_with_other_gradients_gets_no_row(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    right = RNNEncoder.forward

    def doubled(self: RNNEncoder, *given: torch.Tensor) -> torch.Tensor:
        pooled = right(self, *given)
        return 2 * pooled - pooled.detach()

    monkeypatch.setattr(RNNEncoder, "forward", doubled)
    with pytest.raises(AssertionError, match="not close"):
        main(["routes", "--output", str(tmp_path / "routes.csv")])


@pytest.mark.usefixtures("small")
def test_a_stopped_run_keeps_its_rows_and_goes_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path, measure, seen = tmp_path / "routes.csv", routes.measure, []

    def stopping(cell: routes.Cell, rounds: int, device: torch.device) -> routes.Row:
        seen.append(cell)
        if len(seen) == 3:
            raise KeyboardInterrupt
        return measure(cell, rounds, device)

    monkeypatch.setattr(routes, "measure", stopping)
    command = ["routes", "--rounds", "2", "--every", "12", "--output", str(path)]
    assert main(command) == 130
    kept = path.read_text()
    assert len(kept.splitlines()) == 3
    assert main(command) == 0
    assert path.read_text().startswith(kept)
    assert seen[2:] == [seen[2], *list(routes.cells())[24::12]]


def test_too_few_rounds(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["routes", "--rounds", "1"])
    assert "needs --rounds >= 2 and --every >= 1, 1 and 1 came" in capsys.readouterr().err
