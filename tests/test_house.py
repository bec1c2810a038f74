"""The rules of the house hold, and each check is seen to fail on a planted breach."""

import importlib
import inspect
import pkgutil
import re
from typing import final

import pytest
import torch
from torch import Tensor

import seqpool
from seqpool.poolers.base import Pooler
from tests import house
from tests.house import Source

FILES = house.sources()


def test_every_room_is_looked_at() -> None:
    modules = {source.module for source in FILES}
    assert {"seqpool", "seqpool.layout.gate", "seqpool.ops.segment", "tests.test_house"} <= modules
    assert {path.name for path in house.texts()} >= {"pyproject.toml", "README.md", "gate.py"}


def test_imports_point_down() -> None:
    assert house.upward(FILES) == []


def test_imports_run_in_no_circle() -> None:
    assert house.circles(FILES) == []


def test_an_optional_dependency_is_imported_in_one_file() -> None:
    assert {top: modules for top, modules in house.foreign(FILES).items() if len(modules) > 1} == {}


def test_files_and_functions_are_short() -> None:
    assert house.long_files(FILES) == []
    assert house.long_functions(FILES) == []


def test_no_error_is_swallowed() -> None:
    assert house.swallowed(FILES) == []


@pytest.mark.parametrize("pattern", [house.MACHINE, house.UNFINISHED], ids=["machine", "unfinished"])
def test_no_file_names_a_machine_or_is_unfinished(pattern: re.Pattern[str]) -> None:
    found = {path.name: lines for path in house.texts() if (lines := list(house.lines_with(pattern, path.read_text())))}
    assert found == {}


def test_each_ignore_has_its_reason_beside_it() -> None:
    found = {source.module: lines for source in FILES if (lines := list(house.lines_with(house.IGNORE, source.text)))}
    assert found == {}


def poolers() -> set[type[Pooler]]:
    """Every pooler class that a module of seqpool defines."""
    names = [module.name for module in pkgutil.walk_packages(seqpool.__path__, "seqpool.")]
    members = [vars(importlib.import_module(name)).values() for name in names if not name.endswith("__main__")]
    return {cls for values in members for cls in values if inspect.isclass(cls) and issubclass(cls, Pooler)}


def is_settled(cls: type[Pooler]) -> bool:
    """Whether a class is abstract or final, and not both."""
    return inspect.isabstract(cls) != ("__final__" in vars(cls))


def test_a_pooler_is_abstract_or_final_and_forward_is_in_the_bases() -> None:
    assert len(poolers()) > len(seqpool.poolers.__all__)
    assert [cls for cls in poolers() if not is_settled(cls)] == []
    assert [cls for cls in poolers() if "forward" in vars(cls) and not inspect.isabstract(cls)] == []
    final_ones = {cls.__name__ for cls in poolers() if not inspect.isabstract(cls)}
    assert final_ones == set(seqpool.poolers.__all__)


def test_an_unsettled_pooler_is_seen() -> None:
    class Open(Pooler):
        def one(self, x: Tensor) -> Tensor:
            return x[0]

        def pool(self, seq: seqpool.Sequences) -> Tensor:
            return torch.zeros(seq.batch, seq.features)

    assert not is_settled(Open)
    assert is_settled(final(type("Closed", (Open,), {})))
    unfinished = final(type("Unfinished", (Pooler,), {"one": Open.one}))
    assert not is_settled(unfinished)


# Planted breaches.


def planted(module: str, text: str) -> list[Source]:
    return [source for source in FILES if source.module != module] + [Source(module, text)]


@pytest.mark.parametrize(
    ("module", "text", "breach"),
    [
        ("seqpool.layout.gate", "from seqpool.ops import total", "seqpool.layout.gate imports seqpool.ops"),
        ("seqpool.layout.gate", "from ..ops import segment", "seqpool.layout.gate imports seqpool.ops.segment"),
        ("seqpool.ops.segment", "import seqpool.poolers.base", "seqpool.ops.segment imports seqpool.poolers.base"),
        ("seqpool.poolers.ends", "from seqpool.rnn import RNNEncoder", "seqpool.poolers.ends imports seqpool.rnn"),
        ("seqpool.poolers.ends", "from seqpool import functional", "seqpool.poolers.ends imports seqpool.functional"),
        ("seqpool.poolers.ends", "from seqpool import view", "seqpool.poolers.ends imports seqpool"),
        ("seqpool.rnn", "def late():\n    import seqpool", "seqpool.rnn imports seqpool"),
        ("seqpool.rnn", "from recipes.model import x", "seqpool.rnn imports recipes.model"),
        ("seqpool.functional", "import tests.house", "seqpool.functional imports tests.house"),
        ("seqpool", "import benchmarks", "seqpool imports benchmarks"),
        ("recipes.new", "from tests import house", "recipes.new imports tests.house"),
        ("benchmarks.new", "import tests", "benchmarks.new imports tests"),
    ],
)
def test_an_import_that_points_up_is_seen(module: str, text: str, breach: str) -> None:
    assert house.upward(planted(module, text)) == [breach]


def test_a_circle_is_seen() -> None:
    assert {"seqpool.layout.gate", "seqpool.layout.checks"} <= set(
        house.circles(planted("seqpool.layout.checks", "from seqpool.layout import gate"))
    )


def test_a_dependency_in_two_files_is_seen() -> None:
    files = [Source("seqpool.a", "import triton.language"), Source("seqpool.b", "from triton import jit")]
    assert house.foreign(files) == {"triton": ["seqpool.a", "seqpool.b"]}
    assert (
        house.foreign([Source("seqpool.a", "import os, torch.nn, seqpool.ops"), Source("tests.a", "import yaml")]) == {}
    )


def test_length_is_seen() -> None:
    assert house.long_files([Source("a", "x = 1\n" * 200)]) == ["a: 200 lines"]
    assert house.long_files([Source("a", "x = 1\n" * 199)]) == []
    body = "    x = 1\n" * 39
    assert house.long_functions([Source("a", f"class A:\n  def f():\n{body}")]) == ["a.f: 40 lines"]
    assert house.long_functions([Source("a", f'def f():\n    """\n    Long.\n    """\n{body[:-10]}')]) == []


def test_a_swallowed_error_is_seen() -> None:
    for handler in ("except ValueError:\n    pass", "except ValueError:\n    ...", "except:\n    f()"):
        assert house.swallowed([Source("a", f"try:\n    f()\n{handler}\n")]) == ["a:3"]
    assert house.swallowed([Source("a", "try:\n    f()\nexcept ValueError:\n    g()\n")]) == []


def test_a_machine_and_unfinished_work_are_seen() -> None:
    for path in ("work/main", "home/me", "tmp/x", "Users/me"):
        assert list(house.lines_with(house.MACHINE, f"a\n  see '/{path}'\n")) == [f"see '/{path}'"]
    assert list(house.lines_with(house.MACHINE, "C:" + r"\Users" + "\nb")) == ["C:" + r"\Users"]
    for fine in ("https://example.org/home/x", "a/tmp/b", "../shared/work/x", "and/or"):
        assert list(house.lines_with(house.MACHINE, fine)) == []
    assert list(house.lines_with(house.UNFINISHED, "x  # " + "TO" + "DO: later")) == ["x  # " + "TO" + "DO: later"]


def test_an_ignore_without_a_reason_is_seen() -> None:
    for bare in ("noqa: F401", "type: " + "ignore[misc]", "fmt: " + "skip"):
        line = f"import x  # {bare}"
        assert list(house.lines_with(house.IGNORE, line)) == [line]
        assert list(house.lines_with(house.IGNORE, f"{line}  # because")) == []
