"""Every rival computes what our pooler computes, or is known not to."""

import importlib
from dataclasses import replace

import pytest
import torch

from benchmarks.throughput.batches import LAYOUTS, build
from benchmarks.throughput.measure import FORWARD, OURS, PASSES, Bench, contenders, fault, measure, trial_of
from benchmarks.throughput.oracle import define
from benchmarks.throughput.rivals import versions
from benchmarks.throughput.rivals.packages import GEOMETRIC, SENTENCE_TRANSFORMERS, Package
from benchmarks.throughput.rows import Case
from benchmarks.throughput.shapes import Shape
from benchmarks.throughput.subjects import SUBJECTS

SHAPE = "4x7x8:uniform"
KNOWN = {
    ("position-weighted", "holes", "sentence-transformers"): "output: off by",  # it counts the holes
    ("sum", "nested", "NestedTensor"): "NotImplementedError: aten._nested_sum_backward.default",
    ("mean", "nested", "NestedTensor"): "RuntimeError: ",
    ("median", "flat", "PyG, ptr"): "NotImplementedError: Aggregation requires 'index'",
    ("median", "nested", "PyG, ptr"): "NotImplementedError: Aggregation requires 'index'",
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
    pytest.importorskip("sentence_transformers", reason="an optional package, in the extra 'benchmarks'")
    pytest.importorskip("torch_geometric", reason="an optional package, in the extra 'benchmarks'")
    padded = {"textbook", "bmm", "embedding_bag", "sentence-transformers"}
    assert offered("mean", "padded") == padded | {"loop of slices"}
    assert offered("mean", "holes") == padded
    assert offered("mean", "packed") == padded | {"scatter_reduce", "index_add"}
    assert offered("max", "packed") == {
        "textbook", "embedding_bag", "sentence-transformers", "scatter_reduce", "running over packed steps",
    }  # fmt: skip  # a table
    flat = {
        "embedding_bag", "segment_reduce", "sentence-transformers", "PyG, index", "PyG, ptr", "loop of slices",
        "scatter_reduce", "index_add",
    }  # fmt: skip  # a table
    assert offered("mean", "flat") == flat
    assert offered("mean", "nested") == flat | {"textbook", "bmm", "NestedTensor"}
    assert offered("attention", "flat") == {"PyG, index", "PyG, ptr", "loop of slices"}
    assert offered("attention", "padded") == {"textbook", "MultiheadAttention", "loop of slices"}
    assert offered("median", "time-major") == {"textbook", "loop of slices"}


def test_a_package_that_is_absent_is_named_so(monkeypatch: pytest.MonkeyPatch, bench: Bench) -> None:
    monkeypatch.setattr("benchmarks.throughput.rivals.packages.find_spec", lambda _: None)
    assert set(versions().values()) == {"not installed"}
    assert offered("mean", "flat") == {
        "embedding_bag",
        "segment_reduce",
        "loop of slices",
        "scatter_reduce",
        "index_add",
    }
    outcome = measure(Case("mean", "flat", SHAPE, "float32"), bench)
    # flash-linear-attention runs on a GPU only.
    assert [(entry.contender, entry.passes, entry.reason) for entry in outcome.left_out] == [
        (name, passes, f"not installed: pip install {name}")
        for passes in PASSES
        for name in ("sentence-transformers", "torch_geometric")
    ]


@pytest.mark.parametrize(
    ("module", "package"),
    [("geometric", GEOMETRIC), ("sentence", SENTENCE_TRANSFORMERS)],
    ids=["geometric", "sentence-transformers"],
)
def test_the_poolers_of_a_package_are_those_that_its_rival_knows(module: str, package: Package) -> None:
    pytest.importorskip(package.module, reason="an optional package, in the extra 'benchmarks'")
    rival = importlib.import_module(f"benchmarks.throughput.rivals.{module}")
    known = rival.MODES if module == "sentence" else (*rival.AGGREGATIONS, "attention", "additive-attention")
    assert set(package.poolers) == set(known) <= set(SUBJECTS)


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
        pytest.param("attention", "padded", {"seqpool, compiled", "FlexAttention"}, marks=pytest.mark.full),
        pytest.param("attention", "flat", {"seqpool, compiled", "FlexAttention, flat"}, marks=pytest.mark.full),
    ],
)
def test_compiled_forms_run_beside(pooler: str, layout: str, names: set[str], bench: Bench) -> None:
    outcome = measure(
        Case(pooler, layout, "3x5x32:uniform", "float32"), replace(bench, passes=(FORWARD,), compiled=True)
    )
    assert outcome.left_out == []
    assert names < {row.contender for row in outcome.rows}
