"""Training steps end to end: four ways that give the same, and none that does not."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from benchmarks.__main__ import main
from benchmarks.throughput.network import ENCODER, WAYS, Classifier
from benchmarks.throughput.rows import read_table
from benchmarks.throughput.shapes import Shape
from benchmarks.throughput.training import TrainingRow, batches, epoch, fault, measure

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
    rows, wrong = measure(SHAPE, 2, 2, CPU, {ENCODER: WAYS[ENCODER], "over padding": over_padding, "doubled": doubled})
    assert {row.way for row in rows} == {ENCODER}
    assert wrong["over padding"].startswith("logits: off by")
    assert ": off by" in wrong["doubled"]
    assert not wrong["doubled"].startswith("logits")


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
    assert main(["training", "--shape", "3x6x4:uniform", "--batches", "2", "--rounds", "2", "--save", str(path)]) == 0
    rows = read_table(TrainingRow, path)
    assert {(row.batches, row.way) for row in rows} == {(b, w) for b in ("random", "length-bucketed") for w in WAYS}
    for row in rows:
        assert row.samples_per_s == pytest.approx(3 * 1000 / row.step_ms)
        assert row.tokens_per_s > row.samples_per_s
    assert path.with_suffix(".md").read_text() in capsys.readouterr().out
