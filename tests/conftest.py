"""Stricter than production: fixed seeds, one thread, no network, NaN in fresh memory, and the names doctests use."""

import os
import random
import socket
import sys
import zlib
from collections.abc import Iterator
from typing import Any, NoReturn

# Before torch is imported: the machine's cores belong to the test workers.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Before Triton is imported, which decides for its own library as well: kernels run on the CPU.
os.environ["TRITON_INTERPRET"] = "1"

import pytest
import torch

pytest.register_assert_rewrite("tests.contract")


class DoctestNames:
    """What an example may use without an import."""

    @pytest.fixture(autouse=True)
    def _names(self, doctest_namespace: dict[str, Any]) -> None:
        import seqpool

        doctest_namespace.update({name: getattr(seqpool, name) for name in seqpool.__all__})
        doctest_namespace.update(torch=torch, nn=torch.nn)
        seed(0)


def seed(number: int) -> None:
    """Seed the CPU alone: `torch.manual_seed` keeps a whole traceback for each device that is not there."""
    torch.default_generator.manual_seed(number)


def pytest_configure(config: pytest.Config) -> None:
    torch.set_num_threads(1)
    # A conftest's own fixtures stay below its folder; those of a plugin reach the library's docstrings.
    config.pluginmanager.register(DoctestNames(), "seqpool-doctest-names")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the full matrix out unless `-m` names it."""
    if "full" in config.getoption("markexpr"):
        return
    left_out = [item for item in items if item.get_closest_marker("full")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if not item.get_closest_marker("full")]


@pytest.fixture(autouse=True)
def _seed(request: pytest.FixtureRequest) -> None:
    number = zlib.crc32(request.node.name.encode())
    random.seed(number)
    seed(number)


@pytest.fixture(autouse=True)
def _fresh_memory_is_nan() -> Iterator[None]:
    """Deterministic mode fills what `torch.empty` gives with NaN, and refuses nondeterministic operations."""
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)


@pytest.fixture(autouse=True)
def _fresh_graphs() -> None:
    """All poolers share the base's `forward`, hence one budget of recompiles."""
    if "torch._dynamo" in sys.modules:
        torch._dynamo.reset()


@pytest.fixture(autouse=True, scope="session")
def _no_network() -> Iterator[None]:
    def refuse(*args: object, **kwargs: object) -> NoReturn:
        raise RuntimeError(f"tests must not use the network: {args[-1]!r} was to be reached")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", refuse)
        patch.setattr(socket.socket, "connect", refuse)
        yield
