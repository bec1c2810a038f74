"""Training steps end to end: four ways that give the same, and none that does not."""

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor

from benchmarks.__main__ import main
from benchmarks.throughput.network import ENCODER, WAYS, Classifier
from benchmarks.throughput.rows import read_table
from benchmarks.throughput.shapes import Shape
from benchmarks.throughput.training import ORDERS, Outcome, TrainingRow, batches, epoch, fault, measure

SHAPE, CPU = Shape(3, 6, 4, "uniform"), torch.device("cpu")


def over_padding(network: Classifier, tokens: Tensor, lengths: Tensor) -> Tensor:
    """What the network says when it runs over padding."""
    output = network.rnn(network.embedding(tokens))[0]
    logits: Tensor = network.head(network.encoder.pooler(output, lengths=lengths))
    return logits


def doubled(network: Classifier, tokens: Tensor, lengths: Tensor) -> Tensor:
    """Right logits, wrong gradients."""
    logits = WAYS[ENCODER](network, tokens, lengths)
    return 2 * logits - logits.detach()


@pytest.mark.parametrize("way", WAYS)
def test_every_way_agrees_with_each_text_alone(way: str) -> None:
    (text,) = batches(SHAPE, 1, CPU, bucketed=False)
    assert len(set(text[1].tolist())) > 1
    assert fault(WAYS[way], Classifier(4), text) is None


def test_a_wrong_way_is_not_written() -> None:
    ways = {ENCODER: WAYS[ENCODER], "over padding": over_padding, "doubled": doubled}
    outcome = measure(SHAPE, "random", 2, 2, CPU, ways)
    assert {row.way for row in outcome.rows} == {ENCODER}
    assert outcome.wrong["over padding"].startswith("logits: off by")
    assert ": off by" in outcome.wrong["doubled"]
    assert not outcome.wrong["doubled"].startswith("logits")


def test_buckets_hold_the_same_texts_with_less_padding() -> None:
    random, bucketed = (batches(SHAPE, 5, CPU, bucketed=bucketed) for bucketed in (False, True))
    for found in (random, bucketed):
        assert len(found) == 5
        assert all(tokens.shape == (3, int(lengths.max())) for tokens, lengths, _ in found)
    totals = [sorted(n for _, lengths, _ in found for n in lengths.tolist()) for found in (random, bucketed)]
    assert totals[0] == totals[1]
    stored = [sum(tokens.numel() for tokens, _, _ in found) for found in (random, bucketed)]
    assert stored[1] < stored[0]


def test_an_epoch_trains_a_copy() -> None:
    network = Classifier(4)
    before = [weight.clone() for weight in network.parameters()]
    seen: list[Classifier] = []

    def watched(own: Classifier, tokens: Tensor, lengths: Tensor) -> Tensor:
        seen.append(own)
        return WAYS[ENCODER](own, tokens, lengths)

    epoch(watched, network, batches(SHAPE, 2, CPU, bucketed=True))()
    assert len(seen) == 2
    assert all(torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(before, seen[0].parameters(), strict=True))


def test_the_command_keeps_rows_and_a_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "t.csv"
    command = ["training", "--shapes", "3x6x4:uniform", "--batches", "2", "--rounds", "2", "--save", str(path)]
    assert main(command) == 0
    rows = read_table(TrainingRow, path)
    assert {(row.batches, row.way) for row in rows} == {(b, w) for b in ("random", "length-bucketed") for w in WAYS}
    for row in rows:
        assert row.samples_per_s == pytest.approx(3 * 1000 / row.step_ms)
        assert row.tokens_per_s > row.samples_per_s
    assert path.with_suffix(".md").read_text() in capsys.readouterr().out
    facts = json.loads(path.with_suffix(".json").read_text())["facts"]
    assert facts["epoch"] == "2 batches, 2 rounds"
    assert "torch" in facts
    assert main(command) == 0
    assert read_table(TrainingRow, path) == rows
    with pytest.raises(SystemExit, match="2"):
        main([*command, "--rounds", "3"])
    assert "where epoch was '2 batches, 2 rounds', here it is '2 batches, 3 rounds'" in capsys.readouterr().err


def test_ctrl_c_loses_one_cell_and_the_same_command_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path, cells = tmp_path / "t.csv", [(shape, order) for shape in ("3x6x4", "2x5x4:uniform") for order in ORDERS]
    seen: list[tuple[str, str]] = []

    def stopping(shape: Shape, order: str, number: int, rounds: int, device: torch.device) -> Outcome:
        if len(seen) == 3:
            seen.append(("stopped", ""))
            raise KeyboardInterrupt
        seen.append((str(shape), order))
        return measure(shape, order, number, rounds, device)

    monkeypatch.setattr("benchmarks.throughput.training_command.training.measure", stopping)
    command = ["training", "--shapes", "3x6x4,2x5x4:uniform", "--batches", "1", "--rounds", "2", "--save", str(path)]
    assert main(command) == 130
    assert "stopped: the same command goes on from here" in capsys.readouterr().out
    kept = read_table(TrainingRow, path)
    assert {(row.shape, row.batches) for row in kept} == set(cells[:3])
    assert main(command) == 0
    assert seen == [*cells[:3], ("stopped", ""), cells[3]]
    assert read_table(TrainingRow, path)[: len(kept)] == kept
    assert "at twice the textbook packed form or more: kept in" in path.with_suffix(".md").read_text()
