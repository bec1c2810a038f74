"""The rules of the house as functions of source text; each answers with what breaks it."""

import ast
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("seqpool", "recipes", "benchmarks", "tests")
TEXTS = {".py", ".md", ".toml", ".yaml", ".yml", ".cfg", ".ini", ".sh", ".json", ".svg", ".csv", ""}
FILE_LINES, FUNCTION_LINES = 200, 40
# A room may import from its own height and below.
HEIGHTS = {
    "seqpool.layout": 0, "seqpool.ops": 1, "seqpool.poolers": 2, "seqpool": 4, "seqpool.__main__": 4,
    "recipes": 5, "benchmarks": 6, "tests": 7,
}  # fmt: skip  # a table
BESIDE = 3  # functional, rnn, explain, integrations, testing, analysis
MACHINE = re.compile(r"(?<![\w.])/(?:work|tmp|home|root|Users|mnt|opt|srv|private)/\w|\b[A-Z]:\\Users\b", re.ASCII)
UNFINISHED = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b")
IGNORE = re.compile(r"#\s*(?:type: ignore|noqa|fmt: skip|fmt: off|pragma)(?!\S*[^\n]*#\s*\w)[^\n]*")


@dataclass(frozen=True)
class Source:
    """One Python file."""

    module: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)


def sources(root: Path = ROOT) -> list[Source]:
    """Every Python file of the project."""
    return [Source(_module(path.relative_to(root)), path.read_text("utf-8")) for path in texts(root, {".py"})]


def texts(root: Path = ROOT, suffixes: set[str] = TEXTS) -> list[Path]:
    """Every text file of the project: its rooms, and what lies beside them."""
    inside = [path for room in (*ROOMS, ".ci", ".github") for path in (root / room).rglob("*")]
    found = [path for path in [*inside, *root.iterdir()] if path.is_file() and path.suffix in suffixes]
    return sorted(path for path in found if "__pycache__" not in path.parts and path.name != ".git")


def _module(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(source: Source, modules: set[str]) -> set[str]:
    """Modules that a file imports, absolute; a name that is itself one of `modules` counts as that module."""
    found = set()
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(source.module, node)
            below = {f"{base}.{name.name}" for name in node.names}
            found |= (below & modules) or {base}
    return found


def _absolute(module: str, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    return ".".join([*module.split(".")[: -node.level], *([node.module] if node.module else [])])


def height(module: str) -> int | None:
    """How high a module stands; `None` for what is not the project's."""
    if module in HEIGHTS:
        return HEIGHTS[module]
    rooms = [room for room in HEIGHTS if room != "seqpool" and module.startswith(f"{room}.")]
    if rooms:
        return HEIGHTS[rooms[0]]
    return BESIDE if module.startswith("seqpool.") else None


def upward(files: Sequence[Source]) -> list[str]:
    """Imports that point up."""
    modules = {source.module for source in files}
    return [
        f"{source.module} imports {target}"
        for source in files
        for target in sorted(imports(source, modules))
        if (theirs := height(target)) is not None and theirs > (height(source.module) or 0)
    ]


def circles(files: Sequence[Source]) -> list[str]:
    """The modules of a circle of imports."""
    modules = {source.module for source in files}
    try:
        TopologicalSorter({source.module: imports(source, modules) & modules for source in files}).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def foreign(files: Sequence[Source]) -> dict[str, list[str]]:
    """Packages other than torch and the standard library, and the modules of `seqpool` that import them."""
    found: dict[str, list[str]] = {}
    for source in files:
        if source.module.split(".")[0] != "seqpool":
            continue
        tops = {target.split(".")[0] for target in imports(source, set())}
        for top in tops - set(sys.stdlib_module_names) - {"torch", *ROOMS}:
            found.setdefault(top, []).append(source.module)
    return found


def long_files(files: Sequence[Source]) -> list[str]:
    """Files that are not under 200 lines."""
    sizes = {source.module: source.text.count("\n") for source in files}
    return [f"{module}: {lines} lines" for module, lines in sizes.items() if lines >= FILE_LINES]


def long_functions(files: Sequence[Source]) -> list[str]:
    """Functions that are not under 40 lines, their docstring not counted."""
    return [
        f"{source.module}.{node.name}: {lines} lines"
        for source in files
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (lines := _lines(node)) >= FUNCTION_LINES
    ]


def _lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    doc = node.body[0] if ast.get_docstring(node, clean=False) is not None else None
    return _span(node) - (_span(doc) if doc else 0)


def _span(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def swallowed(files: Sequence[Source]) -> list[str]:
    """Errors that are caught and dropped."""
    return [
        f"{source.module}:{node.lineno}"
        for source in files
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ExceptHandler) and (node.type is None or _nothing(node.body))
    ]


def _nothing(body: Sequence[ast.stmt]) -> bool:
    return all(isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and _constant(node)) for node in body)


def _constant(node: ast.Expr) -> bool:
    return isinstance(node.value, ast.Constant)


def lines_with(pattern: re.Pattern[str], text: str) -> Iterator[str]:
    """Lines of a text that hold the pattern."""
    return (line.strip() for line in text.splitlines() if pattern.search(line))
