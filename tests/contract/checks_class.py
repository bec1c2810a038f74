"""The promises about the class itself: its declarations, its copies, its text."""

import copy
import inspect
import io
import pickle
import re
from collections.abc import Iterator
from contextlib import contextmanager

import torch

import seqpool
from seqpool.poolers.base import Pooler
from tests.contract.discovery import WIDTH, Case
from tests.contract.layouts import LAYOUTS
from tests.contract.rows import row
from tests.contract.running import gradients, run


@row("final")
def check_final(case: Case) -> None:
    """A class is final, and `in_features` comes first where its constructor takes it."""
    assert getattr(case.cls, "__final__", False), f"{case.cls.__name__} is neither abstract nor final"
    assert "forward" not in vars(case.cls), "forward lives in the bases alone"
    names = list(inspect.signature(case.cls).parameters)
    assert "in_features" not in names[1:], "in_features comes first"


@row("docstring")
def check_docstring(case: Case) -> None:
    """The docstring has a formula, a source, shapes and an example that runs as a doctest."""
    text = inspect.getdoc(case.cls) or ""
    for part in (".. math::", "Source: ", "Shape:", "Example:", ">>> "):
        assert part in text, f"{case.cls.__name__}'s docstring lacks {part!r}"
    for name, parameter in inspect.signature(case.cls).parameters.items():
        own = vars(case.cls).get("__init__") is not None and parameter.kind is not parameter.VAR_KEYWORD
        assert not own or f"{name}: " in text, f"{case.cls.__name__}'s docstring lacks the argument {name}"


@row("repr")
def check_repr(case: Case) -> None:
    """The repr shows every argument."""
    pooler = case.start()
    given = dict(case.sample)
    if "in_features" in inspect.signature(case.cls).parameters:
        given["in_features"] = WIDTH
    for name, value in given.items():
        parts = value if isinstance(value, tuple) else (value,)
        modules = [one for one in parts if isinstance(one, Pooler)]
        for part in [repr(module) for module in modules] or [f"={value!r}"]:
            assert part in repr(pooler), f"{name}={value!r} is not in {pooler!r}"


@row("copies")
def check_copies(case: Case) -> None:
    """deepcopy, pickle, `torch.save` and `state_dict` give a pooler that pools alike."""
    for batch in case.batches((3, 1, 2)):
        pooler = case.build()
        want = run(pooler, batch, LAYOUTS["right_padded"]).pooled
        loaded = case.build()
        buffer = io.BytesIO()
        torch.save(pooler.state_dict(), buffer)
        buffer.seek(0)
        loaded.load_state_dict(torch.load(buffer, weights_only=True))
        for twin in (copy.deepcopy(pooler), pickle.loads(pickle.dumps(pooler)), loaded):
            torch.testing.assert_close(run(twin, batch, LAYOUTS["right_padded"]).pooled, want, rtol=0, atol=0)


@row("out_features")
def check_out_features(case: Case) -> None:
    """`out_features` is the width of the result."""
    for width in (WIDTH, 2 * WIDTH):
        for batch in case.batches((3, 2), width=width):
            pooler = case.build(width)
            pooled = run(pooler, batch, LAYOUTS["right_padded"]).pooled
            assert pooled.shape == (2, pooler.out_features(width))


@contextmanager
def _refused(error: type[Exception], text: str) -> Iterator[None]:
    """Expect a refusal in these words."""
    try:
        yield
    except error as refusal:
        found = re.search(text, str(refusal))
        assert found, f"{text!r} is not in {refusal}"  # noqa: PT017  # also called by hand, outside a test
    else:
        raise AssertionError(f"{error.__name__} ({text}) did not come")


@row("unwanted")
def check_unwanted(case: Case) -> None:
    """`h_n` is always taken; `weights` and `query` are refused by a pooler that has no use for them."""
    pooler = case.start()
    for name, extra in (("weights", torch.ones(2, 3)), ("query", torch.ones(2, WIDTH))):
        if name in case.needs:
            continue
        with _refused(TypeError, f"{case.cls.__name__} has no use for {name}"):
            pooler(torch.randn(2, 3, WIDTH), **{name: extra})


@row("missing")
def check_missing(case: Case) -> None:
    """A pooler says which of its needs did not come."""
    assert case.needs, f"{case} needs nothing, and has nothing to say"
    with _refused(ValueError, f"needs ({'|'.join(case.needs)})"):
        case.start()(torch.randn(2, 3, WIDTH))


def ordered(case: Case) -> bool:
    """Whether the definition gives something else when the steps are shuffled."""
    batch = next(case.batches((7,), dtype=torch.float64))
    pooler = case.build().double()
    shuffle = torch.tensor([3, 0, 5, 1, 6, 2, 4])
    beside = batch.beside(0, case.needs)
    moved = [extra[shuffle] if name == "weights" else extra for name, extra in zip(case.needs, beside, strict=True)]
    return not torch.allclose(pooler.one(batch.table, *beside), pooler.one(batch.table[shuffle], *moved))


def bent(case: Case) -> bool:
    """Whether the definition has a second derivative by the steps, or by the states that it takes instead."""
    batch = next(case.batches((7,), dtype=torch.float64)).to(torch.float64)
    beside = dict(zip(case.needs, batch.beside(0, case.needs), strict=True))
    own = [batch.table, *(state for name, state in beside.items() if name in batch.states)]
    pooled = case.build().double().one(batch.table, *beside.values())
    weight = torch.linspace(1, 2, pooled.numel(), dtype=pooled.dtype)
    slopes = torch.autograd.grad(pooled, own, weight, create_graph=True, materialize_grads=True)
    slope = torch.cat([each.flatten() for each in slopes])
    return any(bool(each.any()) for each in gradients(slope, own, torch.randn_like(slope)))


@row("declarations")
def check_declarations(case: Case) -> None:
    """`order` says whether a sample depends on the order of the steps, `piecewise` whether all are piecewise linear."""
    samples = [Case(case.cls, sample) for sample in case.cls.samples]
    # A network's states are no function of the rows, but the network has read them in order.
    order, piecewise = "h_n" in case.needs or any(map(ordered, samples)), not any(map(bent, samples))
    assert case.cls.order == order, f"{case}: order must be {order}, as the definition has it"
    assert case.cls.piecewise == piecewise, f"{case}: piecewise must be {piecewise}, as the second derivative has it"


def unexported() -> list[str]:
    """Classes of the library that are neither abstract nor exported."""
    pending = list(Pooler.__subclasses__())
    for cls in pending:
        pending.extend(cls.__subclasses__())
    concrete = [cls for cls in pending if cls.__module__.startswith("seqpool.") and not inspect.isabstract(cls)]
    return [cls.__name__ for cls in concrete if cls.__name__ not in seqpool.__all__]
