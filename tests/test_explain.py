"""The facts of `python -m seqpool explain`, against plain PyTorch."""

from dataclasses import replace
from itertools import product
from typing import Any, final
from xml.etree import ElementTree

import pytest
import torch
from torch import Tensor
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import seqpool
from seqpool.__main__ import main
from seqpool.explain import facts as facts_module
from seqpool.explain import reading
from seqpool.explain.facts import Cell, Facts, experiment
from seqpool.explain.runs import run_both
from seqpool.explain.setup import Setup
from seqpool.explain.svg import draw
from seqpool.explain.text import picture

DOCUMENT = ["explain", "--rnn", "gru", "--layers", "2", "--bidirectional", "--lengths", "7,5,4,3"]
SMALL = ["--hidden", "8", "--embedding", "4"]


@pytest.fixture(scope="module")
def document() -> Facts:
    return experiment(Setup(kind="gru", layers=2, bidirectional=True, lengths=(7, 5, 4, 3)))


def test_the_documents_shapes_and_cells(document: Facts) -> None:
    assert document.output_shape == (7, 4, 512)
    assert document.h_n_shape == (4, 4, 256)
    assert document.c_n_shape is None
    cells = [row.cells for row in document.rows]
    assert cells[:2] == [(), ()]
    assert cells[2] == tuple(Cell(b, step, 0) for b, step in enumerate([6, 4, 3, 2]))
    assert cells[3] == tuple(Cell(b, 0, 1) for b in range(4))
    assert [claim.text for claim in document.claims][:3] == [
        "the backward half of output[0] equals h_n[3] for every sequence",
        "the forward half of output[-1] equals h_n[2] for the longest alone: sequence 0",
        "the step that equals h_n[2] is each sequence's own length - 1: 6, 4, 3, 2",
    ]


COMBINATIONS = [
    pytest.param(*combination, marks=pytest.mark.full if combination[1] == 2 else ())
    for combination in product(
        [("rnn", 0), ("rnn_relu", 0), ("gru", 0), ("lstm", 0), ("lstm", 6)],
        (1, 2, 3),
        (False, True),
        (False, True),
        [(7, 5, 4, 3), (4, 7, 1, 7)],
    )
]


@pytest.mark.parametrize(("kind", "layers", "bidirectional", "batch_first", "lengths"), COMBINATIONS)
def test_every_combination_runs_and_holds(
    kind: tuple[str, int], layers: int, bidirectional: bool, batch_first: bool, lengths: tuple[int, ...]
) -> None:
    setup = Setup(
        kind=kind[0],
        proj_size=kind[1],
        layers=layers,
        bidirectional=bidirectional,
        batch_first=batch_first,
        lengths=lengths,
        embedding=8,
        hidden=32,
    )
    facts = experiment(setup)
    assert [claim.text for claim in facts.claims if not claim.holds] == []
    directions = 2 if bidirectional else 1
    width = (kind[1] or 32) * directions
    assert facts.output_shape == ((4, 7, width) if batch_first else (7, 4, width))
    assert facts.h_n_shape == (layers * directions, 4, kind[1] or 32)
    assert facts.c_n_shape == ((layers * directions, 4, 32) if kind[0] == "lstm" else None)
    assert ["CellStatePooler" in reader.name for reader in facts.readers].count(True) == (kind[0] == "lstm")
    assert len(picture(facts)) > 20
    ElementTree.fromstring(draw(facts))


def test_what_each_pooler_reads(document: Facts) -> None:
    readers = {reader.name.split("(")[0]: reader for reader in document.readers if "direction" not in reader.name}
    for b, n in enumerate([7, 5, 4, 3]):
        everything = [(step, half) for step in range(n) for half in (0, 1)]
        expected: dict[str, list[tuple[int, int]]] = {
            "BiConcatPooler": [(0, 1), (n - 1, 0)],
            "BiMergePooler": [(0, 1), (n - 1, 0)],
            "LastPooler": [(n - 1, 0), (n - 1, 1)],
            "FirstPooler": [(0, 0), (0, 1)],
            "MaskedMeanPooler": everything,
            "MaskedMaxPooler": everything,
            "MaskedMinPooler": everything,
            "MaskedSumPooler": everything,
            "AttentionPooler": everything,
            "AdditiveAttentionPooler": everything,
            "LayerConcatPooler": [],
            "ScalarMixPooler": [],
        }
        assert {name: list(reader.cells[b]) for name, reader in readers.items()} == expected
    states = {name: reader.h_n for name, reader in readers.items() if reader.h_n}
    assert states == {
        "BiConcatPooler": (2, 3),
        "BiMergePooler": (2, 3),
        "LayerConcatPooler": (0, 1, 2, 3),
        "ScalarMixPooler": (0, 1, 2, 3),
    }


def test_the_damage_is_plain_pytorchs(document: Facts) -> None:
    setup = document.setup
    torch.manual_seed(setup.seed)
    rnn = torch.nn.GRU(128, 256, num_layers=2, bidirectional=True)
    x, lengths = torch.randn(7, 4, 128), torch.tensor(setup.lengths)
    x[torch.arange(7)[:, None] >= lengths] = 0
    with torch.no_grad():
        packed, right = rnn(pack_padded_sequence(x, lengths))
        output, wrong = rnn(x)

    def difference(value: Tensor, truth: Tensor) -> list[float]:
        return [float((a - b).norm() / b.norm()) for a, b in zip(value, truth, strict=True)]

    final = torch.cat([right[2], right[3]], 1)
    padded, _ = pad_packed_sequence(packed)
    means = [torch.stack([rows[:n, b].mean(0) for b, n in enumerate(setup.lengths)]) for rows in (output, padded)]
    expected = {
        "packed_last_step": difference(padded[-1], final),
        "unpacked_last_step": difference(output[-1], final),
        "unpacked_forward": difference(wrong[2], right[2]),
        "unpacked_backward": difference(wrong[3], right[3]),
        "unpacked_mean": difference(*means),
    }
    for name, values in expected.items():
        assert [getattr(damage, name) for damage in document.damages] == pytest.approx(values, rel=1e-4, abs=1e-6)
    assert all(damage.unpacked_backward > 0.01 for damage in document.damages[1:])  # type: ignore[operator]  # both ways
    assert document.damages[0].unpacked_forward < 1e-5


def test_a_false_statement_is_seen(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """With the two final states exchanged, the statements about them fail, and so does the command."""

    def exchanged(setup: Setup) -> Any:
        packed, unpacked = run_both(setup)
        return replace(packed, h_n=packed.h_n[[0, 1, 3, 2]]), unpacked

    monkeypatch.setattr(facts_module, "run_both", exchanged)
    assert main([*DOCUMENT, *SMALL]) == 1
    failed = [line for line in capsys.readouterr().out.splitlines() if line.startswith("✗")]
    assert len(failed) == 4


@final
class _Leaky(seqpool.Pooler):
    """Reads the last column, padding or not."""

    def one(self, x: Tensor, *states: Tensor) -> Tensor:
        return x[-1]

    def pool(self, seq: seqpool.Sequences) -> Tensor:
        return seq.values[-1] if seq.time == 0 else seqpool.functional.last(seq)


def test_a_pooler_that_reads_padding_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_poolers", lambda _: [_Leaky()])
    facts = experiment(Setup(kind="gru", lengths=(3, 2), hidden=8, embedding=4))
    assert facts.readers[0].cells == (((2, 0),), ((2, 0),))
    assert [claim.text for claim in facts.claims if not claim.holds] == ["no pooler reads padding"]


def test_the_callers_generator_is_left_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    experiment(Setup(kind="gru", lengths=(2, 1), hidden=8, embedding=4))
    assert torch.equal(torch.rand(2), expected)
