"""Every pooler in graphs; layouts beside padded and packed, and inductor, once for each verb."""

import functools
from collections.abc import Callable, Iterator

import pytest
from torch.onnx._internal.exporter._registration import ONNXRegistry

from tests.contract.checks_graphs import check_compile, check_export, check_onnx, check_trace
from tests.contract.discovery import EVERY_VERB, Case
from tests.contract.layouts import LAYOUTS, Layout
from tests.contract.marks import SUMMED, every_class, every_layout, every_pooler, every_verb

pytestmark = [
    # Torch's own: Dynamo looks at the gradients of what it is given, the exporter at its own tree, and tracing is old.
    pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf:UserWarning"),
    pytest.mark.filterwarnings(r"ignore:.isinstance\(treespec, LeafSpec\). is deprecated:FutureWarning"),
    pytest.mark.filterwarnings(r"ignore:.torch.jit.\w+. is deprecated"),
    # Tracing looks at every comparison of sizes; that none is burnt in is what the check shows.
    pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning"),
]

# Each layout with one pooler, each verb on each path.
in_every_layout = pytest.mark.parametrize(
    ("case", "layout"),
    [
        pytest.param(case, layout, id=f"{layout}-{case}")
        for case in EVERY_VERB
        for layout in (LAYOUTS if case is EVERY_VERB[0] else SUMMED)
    ],
)
exportable = pytest.mark.parametrize("layout", ["right_padded", "left_padded", "time_major", "flat_int64"])


@pytest.fixture(scope="module")
def _operators_read_once() -> Iterator[None]:
    """The exporter parses the source of its five hundred operators anew each time: half of what an export costs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ONNXRegistry, "from_torchlib", staticmethod(functools.cache(ONNXRegistry.from_torchlib)))
        yield


@every_class
def test_compiles_to_one_graph(case: Case) -> None:
    check_compile(case, LAYOUTS["right_padded"])


@every_class
def test_compiles_packed(case: Case) -> None:
    check_compile(case, LAYOUTS["packed_unsorted"])


@in_every_layout
def test_every_layout_compiles(case: Case, layout: str) -> None:
    check_compile(case, LAYOUTS[layout])


@every_verb
def test_inductor(case: Case) -> None:
    check_compile(case, LAYOUTS["right_padded"], backend="inductor")


@pytest.mark.usefixtures("_operators_read_once")
@pytest.mark.parametrize("check", [check_export, check_onnx], ids=["program", "onnx"])
@every_class
def test_exports(case: Case, check: Callable[[Case, Layout], None]) -> None:
    check(case, LAYOUTS["right_padded"])


@every_verb
@pytest.mark.parametrize("layout", ["left_padded", "time_major", "flat_int64"])
def test_every_layout_exports(case: Case, layout: str) -> None:
    check_export(case, LAYOUTS[layout])


@pytest.mark.usefixtures("_operators_read_once")
@pytest.mark.parametrize("layout", ["left_padded", "time_major", "flat_int64"])
def test_every_layout_runs_in_onnx(layout: str) -> None:
    check_onnx(EVERY_VERB[0], LAYOUTS[layout])


@every_class
def test_traces(case: Case) -> None:
    check_trace(case, LAYOUTS["right_padded"])


@pytest.mark.full
@every_pooler
@every_layout
@pytest.mark.parametrize("backend", ["aot_eager", "inductor"])
def test_full_compile(case: Case, layout: str, backend: str) -> None:
    check_compile(case, LAYOUTS[layout], backend)


@pytest.mark.full
@pytest.mark.usefixtures("_operators_read_once")
@every_pooler
@exportable
def test_full_export(case: Case, layout: str) -> None:
    check_export(case, LAYOUTS[layout])
    check_onnx(case, LAYOUTS[layout])
    check_trace(case, LAYOUTS[layout])
