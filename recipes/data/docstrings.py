"""The embedded dataset: which package does a docstring come from? It needs no network and ships no text."""

import ast
import hashlib
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from datasets import (  # type: ignore[import-untyped]  # it has no types
    ClassLabel,
    Dataset,
    DatasetDict,
    Features,
    Value,
)
from rich.progress import track

from recipes.data.masking import Masker
from recipes.data.packages import Package, module_names

BUILDER_VERSION = 1
"""Raise it with every change to what the builder makes: it is part of the cache's fingerprint."""

PER_CLASS = 1500
WORDS = range(8, 3001)
QUOTAS = {"train": 0.8, "validation": 0.1, "test": 0.1}

Row = dict[str, str]


def load_docstrings(packages: Sequence[Package]) -> DatasetDict:
    """Docstrings of `packages` as splits of text and label; built once for each set of versions, then read from cache.

    At most `PER_CLASS` texts a label, names masked, duplicates removed, no source file in two splits.
    """
    features = Features(
        {
            "text": Value("string"),
            "label": ClassLabel(names=[package.name for package in packages]),
            "file": Value("string"),
            "split": Value("string"),
        }
    )
    # Without a fingerprint the cache would be keyed by the pickled generator, and miss; a list would be read as shards,
    # one call of the generator for each.
    table = Dataset.from_generator(
        build, features=features, gen_kwargs={"packages": tuple(packages)}, fingerprint=fingerprint(packages)
    )
    splits = table["split"]
    return DatasetDict(
        {
            name: table.select([row for row, split in enumerate(splits) if split == name]).remove_columns("split")
            for name in QUOTAS
        }
    )


def fingerprint(packages: Sequence[Package]) -> str:
    """What the dataset is made from, as a name for the cache."""
    made_from = [f"builder {BUILDER_VERSION}", *(f"{package.name} {package.version}" for package in packages)]
    return hashlib.sha256("\n".join(made_from).encode()).hexdigest()[:16]


def build(packages: Sequence[Package]) -> Iterator[Row]:
    """Make the rows of every split, with a progress bar over the source files."""
    masker = Masker(module_names(packages))
    sources = [(package, path) for package in packages for path in package.files()]
    seen: set[str] = set()
    rows: dict[str, list[Row]] = {package.name: [] for package in packages}
    for package, path in track(sources, description="Reading docstrings"):
        for text in map(masker, docstrings(path)):
            if len(text.split()) in WORDS and text.lower() not in seen:
                seen.add(text.lower())
                file = f"{package.name}/{package.relative(path).as_posix()}"
                rows[package.name].append({"text": text, "label": package.name, "file": file})
    for texts in rows.values():
        # The smallest hashes are a sample that a new file hardly disturbs.
        yield from split_by_file(sorted(texts, key=_digest)[:PER_CLASS])


def docstrings(path: Path) -> list[str]:
    """Docstrings of a module, its classes and its functions, in the order of the file; none where it does not parse."""
    with warnings.catch_warnings():
        # Invalid escapes in other people's sources, which are only read; their category depends on Python's version.
        warnings.simplefilter("ignore")
        try:
            tree = ast.parse(path.read_bytes())
        except (SyntaxError, ValueError):
            # Templates and samples of broken code lie among the sources.
            return []
    return [text for node in _documented(tree) if (text := ast.get_docstring(node))]


def split_by_file(rows: Iterable[Row]) -> Iterator[Row]:
    """Give whole files to splits: the largest first, each to the split furthest below its quota."""
    files: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        files[row["file"]].append(row)
    total = sum(map(len, files.values()))
    filled: Counter[str] = Counter()
    for _, texts in sorted(files.items(), key=lambda item: (-len(item[1]), item[0])):
        split = max(QUOTAS, key=lambda name: QUOTAS[name] * total - filled[name])
        filled[split] += len(texts)
        yield from (row | {"split": split} for row in texts)


def _documented(node: ast.AST) -> Iterator[ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]:
    """The nodes that may own a docstring; only statements are entered, which is most of the speed."""
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        yield node
    for field in ("body", "handlers", "orelse", "finalbody", "cases"):
        children = getattr(node, field, None)
        if isinstance(children, list):
            for child in children:
                yield from _documented(child)


def _digest(row: Row) -> str:
    return hashlib.sha256(row["text"].encode()).hexdigest()
