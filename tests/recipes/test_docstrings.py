import sys
from collections import Counter
from pathlib import Path

import datasets  # type: ignore[import-untyped]  # it has no types
import pytest

from recipes.data.docstrings import PER_CLASS, build, docstrings, fingerprint, load_docstrings, split_by_file
from recipes.data.packages import Package, find_package, standard_library

SOURCE = '''"""module {name} with enough words to be a text"""
raise RuntimeError("never imported")

class A:
    """class {name} with enough words to be a text"""

    async def f(self):
        """method {name} with enough words to be a text"""
        def g():
            """nested {name} with enough words to be a text"""

if True:
    def h(): """branch {name} with enough words to be a text"""
else:
    try:
        pass
    except ValueError:
        def i(): """handler {name} with enough words to be a text"""

def short():
    """Too short."""

def same():
    """The very same words stand in both of the packages."""

"""not a docstring but an expression with enough words"""
'''


@pytest.fixture
def packages(tmp_path: Path) -> list[Package]:
    for name in ("alpha", "beta"):
        root = tmp_path / name
        (root / "tests").mkdir(parents=True)
        (root / "__init__.py").write_text(SOURCE.format(name=name))
        (root / "broken.py").write_text('"""a docstring in a file with enough words""" +')
        (root / "tests" / "test_it.py").write_text('"""a test with more than enough words in it"""')
    return [Package(name=name, root=tmp_path / name, version="1") for name in ("alpha", "beta")]


def test_every_kind_of_docstring_is_read_and_nothing_is_imported(packages: list[Package]) -> None:
    rows = list(build(packages))
    kinds = {"module", "class", "method", "nested", "branch", "handler"}
    for package in packages:
        texts = [row["text"] for row in rows if row["label"] == package.name]
        assert {text.split()[0] for text in texts} - {"The"} == kinds
        assert {row["file"] for row in rows if row["label"] == package.name} == {f"{package.name}/__init__.py"}
    assert "alpha" not in sys.modules


def test_duplicates_are_removed_across_packages(packages: list[Package]) -> None:
    same = [row for row in build(packages) if row["text"].startswith("The very same")]
    assert [row["label"] for row in same] == ["alpha"]


def test_a_class_is_capped(tmp_path: Path) -> None:
    functions = [f'def f{i}(): """text {i} with enough words to be kept"""' for i in range(PER_CLASS + 10)]
    (tmp_path / "many.py").write_text("\n".join(functions))
    rows = list(build([Package(name="many", root=tmp_path, version="1")]))
    assert len(rows) == PER_CLASS == len({row["text"] for row in rows})


def test_invalid_escapes_in_a_source_are_no_warning(tmp_path: Path) -> None:
    path = tmp_path / "escape.py"
    path.write_text('def f():\n    """a doc"""\n    return "\\d"\n')
    assert docstrings(path) == ["a doc"]


def test_files_go_whole_into_the_split_furthest_below_its_quota() -> None:
    sizes = {"a": 40, "b": 30, "c": 10, "d": 10, "e": 10}
    rows = [{"file": file, "text": f"{file}{i}"} for file, size in sizes.items() for i in range(size)]
    split = {row["file"]: row["split"] for row in split_by_file(rows)}
    # Of 100 texts the quotas are 80, 10, 10: after a and b, 10 are missing everywhere, and ties go to train first.
    assert split == {"a": "train", "b": "train", "c": "train", "d": "validation", "e": "test"}


def test_the_cache_is_keyed_by_versions(
    packages: list[Package], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    first = load_docstrings(packages)
    (packages[0].root / "__init__.py").write_text('"""Something else altogether that has enough words in it."""')
    assert load_docstrings(packages)["train"].to_list() == first["train"].to_list()
    newer = [Package(name=package.name, root=package.root, version="2") for package in packages]
    assert fingerprint(newer) != fingerprint(packages)
    texts = [text for split in load_docstrings(newer).values() for text in split["text"]]
    assert "Something else altogether that has enough words in it." in texts


def test_packages_are_found_without_importing_them() -> None:
    sys.modules.pop("networkx", None)
    package = find_package("networkx")
    assert (package.root / "algorithms").is_dir()
    assert "networkx" not in sys.modules
    assert not any(
        "site-packages" in path.parts for path in map(standard_library().relative, standard_library().files())
    )


def test_a_missing_package_is_named_with_the_cure() -> None:
    with pytest.raises(ValueError, match="needs the package nosuchpackage, it is not installed: pip install nosuch"):
        find_package("nosuchpackage")


def test_counter_of_the_splits_is_near_the_quotas() -> None:
    rows = [{"file": f"f{i % 97}", "text": str(i)} for i in range(1000)]
    sizes = Counter(row["split"] for row in split_by_file(rows))
    assert all(
        abs(sizes[name] - wanted) <= 11 for name, wanted in {"train": 800, "validation": 100, "test": 100}.items()
    )
