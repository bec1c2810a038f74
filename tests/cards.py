"""What the catalogue says of each pooler, read from the syntax trees: no pooler needs to be importable."""

import ast
import inspect
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SECTIONS = ("Source", "Shape", "Example")
# In reading order. A file of poolers opens with the name of its family: `"""Attention: one learned score a step."""`.
FAMILIES = {
    "Final states": "the state, or the step, that a recurrent network ends on; the first and the last step of anything",
    "Reductions": "one value a feature: mean, sum, maximum, and what lies between and beside them",
    "Statistics": "how the steps spread around their mean, and how the features vary together",
    "Weighted": "sums and means under weights that the caller gives, that follow the position, or that a gate learns",
    "Attention": "softmax weights from a learned score, a query, a state, or the steps themselves",
    "Order-aware": "what a mean forgets: which step came before which",
    "Codebook": "what the steps add to the entries of a learned codebook",
    "Transformers": "a token by its place or its marker, the steps behind a prompt, every layer at once",
    "Composition": "several poolers as one",
}


@dataclass(frozen=True)
class Traits:
    """What a pooler's class declares."""

    order: bool
    piecewise: bool
    needs: tuple[str, ...]
    exempt: dict[str, str]


@dataclass(frozen=True)
class Card:
    """One pooler, or one function that makes a pooler's input: what its docstring and its signature say."""

    name: str
    file: str
    sentence: str
    formula: str
    source: str
    arguments: str
    width: str
    also: tuple[str, ...]
    traits: Traits | None


@dataclass(frozen=True)
class File:
    """One file of poolers, of functions that make their inputs, or of both."""

    name: str
    family: str
    poolers: tuple[Card, ...]
    functions: tuple[Card, ...]


def read(folder: Path) -> list[File]:
    """Every file of `folder` that holds final poolers or documented functions, by name."""
    trees = {path.stem: ast.parse(path.read_text("utf-8")) for path in sorted(folder.glob("*.py"))}
    classes = {node.name: node for tree in trees.values() for node in tree.body if isinstance(node, ast.ClassDef)}
    files = [_file(stem, tree, classes) for stem, tree in trees.items()]
    return [file for file in files if file is not None]


def _file(stem: str, tree: ast.Module, classes: dict[str, ast.ClassDef]) -> File | None:
    bases = _abstract(classes)
    found = [node for node in tree.body if isinstance(node, ast.ClassDef) and _is_final(node) and _bases(node) & bases]
    poolers = [_pooler(node, stem, classes) for node in sorted(found, key=lambda node: node.name)]
    # The function of a pooler refers to its class; one with a source of its own stands for itself.
    alone = [node for node in tree.body if isinstance(node, ast.FunctionDef) and "Source" in _sections(node)]
    functions = [_card(node, node, stem, _names(_sections(node).get("Also", "")), None) for node in alone]
    if not poolers and not functions:
        return None
    return File(stem, _family(stem, tree), tuple(poolers), tuple(functions))


def _family(stem: str, tree: ast.Module) -> str:
    first = (ast.get_docstring(tree) or "").split("\n")[0]
    family = first.split(":")[0]
    if family not in FAMILIES:
        raise ValueError(
            f"{stem}.py must open with its family, one of {', '.join(FAMILIES)}; {first!r} came: "
            f'write """Attention: one learned score a step."""'
        )
    return family


def _abstract(classes: dict[str, ast.ClassDef]) -> set[str]:
    """`Pooler` and the classes that are open and derive from it."""
    known = {"Pooler"}
    while new := {name for name, node in classes.items() if not _is_final(node) and _bases(node) & known} - known:
        known |= new
    return known


def _is_final(node: ast.ClassDef) -> bool:
    return any(ast.unparse(decorator).split(".")[-1] == "final" for decorator in node.decorator_list)


def _bases(node: ast.ClassDef) -> set[str]:
    return {ast.unparse(base).split(".")[-1] for base in node.bases}


def _pooler(node: ast.ClassDef, file: str, classes: dict[str, ast.ClassDef]) -> Card:
    said = {name: _declared(node, name, classes) for name in ("order", "piecewise", "needs", "exempt", "also")}
    builds = [item for item in node.body if isinstance(item, ast.FunctionDef) and item.name == "__init__"]
    return _card(node, builds[0] if builds else None, file, said.pop("also"), Traits(**said))


def _declared(node: ast.ClassDef, name: str, classes: dict[str, ast.ClassDef]) -> Any:
    """The value of a class attribute, the class's own or the nearest that it inherits."""
    for item in node.body:
        if isinstance(item, ast.Assign | ast.AnnAssign) and item.value and name in _targets(item):
            try:
                return ast.literal_eval(item.value)
            except ValueError:
                raise ValueError(f"`{name}` of {node.name} must be written out: {ast.unparse(item)} came") from None
    for base in _bases(node) & classes.keys():
        return _declared(classes[base], name, classes)
    raise ValueError(f"no class that {node.name} derives from declares `{name}`: Pooler must")


def _targets(item: ast.Assign | ast.AnnAssign) -> list[str]:
    return [ast.unparse(target) for target in (item.targets if isinstance(item, ast.Assign) else [item.target])]


def _card(
    node: ast.ClassDef | ast.FunctionDef,
    build: ast.FunctionDef | None,
    file: str,
    also: tuple[str, ...],
    traits: Traits | None,
) -> Card:
    sections = _sections(node)
    missing = [name for name in (*SECTIONS, ".. math") if name not in sections]
    if missing:
        raise ValueError(f"the docstring of {node.name} needs {' and '.join(f'{name}:' for name in missing)}")
    return Card(
        name=node.name,
        file=file,
        sentence=(ast.get_docstring(node) or "").split("\n\n")[0].replace("\n", " "),
        formula=sections[".. math"],
        source=sections["Source"].removesuffix("."),
        arguments=_arguments(build) if build else "",
        width=re.split(r"[;:.]", sections["Shape"].split("->")[-1])[0].strip(),
        also=also,
        traits=traits,
    )


def _sections(node: ast.ClassDef | ast.FunctionDef) -> dict[str, str]:
    """Section names of a docstring and their text, on one line each."""
    text = inspect.cleandoc(ast.get_docstring(node) or "")
    heads = list(re.finditer(r"^(\.\. math|[A-Z][a-z]+):", text, re.MULTILINE))
    ends = [*(head.start() for head in heads), len(text)][1:]
    bodies = (text[head.end() : end].strip(": \n").split("\n\n")[0] for head, end in zip(heads, ends, strict=True))
    return {head[1]: " ".join(body.split()) for head, body in zip(heads, bodies, strict=True)}


def _names(line: str) -> tuple[str, ...]:
    return tuple(line.removesuffix(".").split(", ")) if line else ()


def _arguments(build: ast.FunctionDef) -> str:
    """The parameters as a caller would write them."""
    for argument in ast.walk(build.args):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    return ast.unparse(build.args).removeprefix("self").removeprefix(", ")
