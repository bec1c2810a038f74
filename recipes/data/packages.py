"""The installed packages whose docstrings make a dataset: where their files lie and which version they are.

Nothing is imported: a top-level name is only looked up.
"""

import platform
import sysconfig
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path
from typing import final

SKIPPED = {"site-packages", "dist-packages", "__pycache__", "test", "tests", "testing", "_testing", "idlelib"}
"""Folders that hold other packages, or tests, which not every installation has."""

THIRD_PARTY = (
    "torch",
    "sympy",
    "pandas",
    "numpy",
    "networkx",
    "torchmetrics",
    "huggingface_hub",
    "lightning",
    "datasets",
)
"""What an installation of the recipes always has."""


@final
@dataclass(frozen=True, kw_only=True)
class Package:
    """One installed package: the label of its texts, the folder of its sources, its version."""

    name: str
    root: Path
    version: str

    def files(self) -> list[Path]:
        """Every source file outside `SKIPPED` folders, sorted by its path inside the package."""
        return sorted(path for path in self.root.rglob("*.py") if not SKIPPED & set(self.relative(path).parts))

    def relative(self, path: Path) -> Path:
        """The path of a file inside the package."""
        return path.relative_to(self.root)


def find_package(name: str) -> Package:
    """Find an installed package by its import name.

    Raises:
        ValueError: it is not installed, or has no folder of sources.
    """
    spec = util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise ValueError(f"the docstrings dataset needs the package {name}, it is not installed: pip install {name}")
    return Package(name=name, root=Path(spec.submodule_search_locations[0]), version=metadata.version(name))


def standard_library() -> Package:
    """Python's own modules."""
    return Package(name="python", root=Path(sysconfig.get_path("stdlib")), version=platform.python_version())


def default_packages() -> list[Package]:
    """The ten packages of the dataset."""
    return [*map(find_package, THIRD_PARTY), standard_library()]


def module_names(packages: Iterable[Package]) -> Iterator[str]:
    """The name of every package, subpackage and module."""
    for package in packages:
        yield package.name
        for path in package.files():
            yield from package.relative(path).with_suffix("").parts
