"""Every rival computes what our pooler computes, or is known not to."""

import sys
from dataclasses import replace

import pytest
import torch

from benchmarks.throughput.batches import LAYOUTS, build
from benchmarks.throughput.measure import FORWARD, OURS, PASSES, Bench, contenders, fault, measure, trial_of
from benchmarks.throughput.oracle import define
from benchmarks.throughput.rivals import versions
from benchmarks.throughput.rows import Case
from benchmarks.throughput.shapes import Shape
from benchmarks.throughput.subjects import SUBJECTS

SHAPE = "4x7x8:uniform"
KNOWN = {
    ("position-weighted", "holes", "sentence-transformers"): "output: off by",  # it counts the holes
    ("sum", "nested", "NestedTensor"): "NotImplementedError: aten._nested_sum_backward.default",
    ("mean", "nested", "NestedTensor"): "RuntimeError: ",
}
"""What rivals get wrong, by pooler, layout and rival; those of NestedTensor in backward alone."""


@pytest.mark.filterwarnings("ignore")  # prototypes among the rivals announce themselves
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("pooler", SUBJECTS)
def test_every_rival_agrees(pooler: str, layout: str) -> None:
    trial = trial_of(Case(pooler, layout, SHAPE, "float32"), torch.device("cpu"))
    wanted = define(trial.pooler, trial.batch)
    for name, contender in contenders(trial, compiled=False).items():
        for passes in PASSES:
            found = fault(trial, contender, wanted, passes)
            known = KNOWN.get((pooler, layout, name))
            if known is None or (passes == FORWARD and name == "NestedTensor"):
                assert found is None, f"{name}, {passes}"
            else:
                assert found is not None, f"{name}, {passes}"
                assert found.startswith(known)


def offered(pooler: str, layout: str) -> set[str]:
    trial = trial_of(Case(pooler, layout, SHAPE, "float32"), torch.device("cpu"))
    return set(contenders(trial, compiled=False)) - {OURS}


def test_the_rivals_are_those_that_people_use() -> None:
    pytest.importorskip("sentence_transformers", reason="an optional package, in the extra 'integrations'")
    pytest.importorskip("torch_geometric", reason="an optional package, in the extra 'dev'")
    assert offered("mean", "padded") == {"textbook", "embedding_bag", "sentence-transformers"}
    assert offered("mean", "packed") == {"textbook", "embedding_bag", "sentence-transformers"}
    flat = {"embedding_bag", "segment_reduce", "sentence-transformers", "PyG, index", "PyG, ptr"}
    assert offered("mean", "flat") == flat
    assert offered("mean", "nested") == flat | {"textbook", "NestedTensor"}
    assert offered("attention", "flat") == {"PyG, index", "PyG, ptr"}
    assert offered("attention", "padded") == {"textbook", "MultiheadAttention"}


def test_a_package_that_is_absent_is_named_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fla", None)
    monkeypatch.setattr("benchmarks.throughput.rivals.find_spec", lambda _: None)
    assert set(versions().values()) == {"not installed"}
    assert offered("mean", "padded") == {"textbook", "embedding_bag"}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_holds_the_same_steps(layout: str) -> None:
    shape, device = Shape(4, 7, 8, "uniform"), torch.device("cpu")
    flat, batch = (build(name, shape, torch.float32, device) for name in ("flat", layout))
    assert batch.layout.lengths.sum() == batch.steps(batch.stored).shape[0]
    if layout != "holes":
        assert torch.equal(batch.steps(batch.stored), flat.stored)
        assert batch.layout.lengths.tolist() == shape.lengths().tolist()


@pytest.mark.parametrize(
    ("pooler", "layout", "names"),
    [
        ("mean", "padded", {"seqpool, compiled", "textbook, compiled"}),
        ("attention", "padded", {"seqpool, compiled", "textbook, compiled", "FlexAttention"}),
        ("attention", "flat", {"seqpool, compiled", "FlexAttention, flat"}),
    ],
)
def test_compiled_forms_run_beside(pooler: str, layout: str, names: set[str], bench: Bench) -> None:
    outcome = measure(
        Case(pooler, layout, "3x5x32:uniform", "float32"), replace(bench, passes=(FORWARD,), compiled=True)
    )
    assert outcome.left_out == []
    assert names < {row.contender for row in outcome.rows}
