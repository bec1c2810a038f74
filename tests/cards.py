"""What the catalogue says of each pooler, read from the syntax trees: no pooler needs to be importable."""

import ast
import inspect
import re
from dataclasses import dataclass
from pathlib import Path

SECTIONS = ("Source", "Shape", "Example")


@dataclass(frozen=True)
class Card:
    """One pooler: what its docstring and its constructor say."""

    name: str
    family: str
    sentence: str
    formula: str
    source: str
    arguments: str
    width: str


@dataclass(frozen=True)
class Family:
    """One file of poolers."""

    name: str
    sentence: str
    cards: tuple[Card, ...]


def families(folder: Path) -> list[Family]:
    """Every file of `folder` that holds final poolers, by name."""
    trees = {path.stem: ast.parse(path.read_text("utf-8")) for path in sorted(folder.glob("*.py"))}
    bases = _abstract(list(trees.values()))
    found = [_family(stem, tree, bases) for stem, tree in trees.items()]
    return [family for family in found if family.cards]


def _family(stem: str, tree: ast.Module, bases: set[str]) -> Family:
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef) and _is_final(node)]
    cards = [_card(node, stem) for node in classes if _bases(node) & bases]
    return Family(
        stem, (ast.get_docstring(tree) or "").split("\n")[0], tuple(sorted(cards, key=lambda card: card.name))
    )


def _abstract(trees: list[ast.Module]) -> set[str]:
    """`Pooler` and the classes that are open and derive from it."""
    known = {"Pooler"}
    classes = [node for tree in trees for node in tree.body if isinstance(node, ast.ClassDef) and not _is_final(node)]
    while new := {node.name for node in classes if _bases(node) & known} - known:
        known |= new
    return known


def _is_final(node: ast.ClassDef) -> bool:
    return any(ast.unparse(decorator).split(".")[-1] == "final" for decorator in node.decorator_list)


def _bases(node: ast.ClassDef) -> set[str]:
    return {ast.unparse(base).split(".")[-1] for base in node.bases}


def _card(node: ast.ClassDef, family: str) -> Card:
    text = inspect.cleandoc(ast.get_docstring(node) or "")
    sections = _sections(text)
    missing = [name for name in (*SECTIONS, ".. math") if name not in sections]
    if missing:
        raise ValueError(f"the docstring of {node.name} needs {' and '.join(f'{name}:' for name in missing)}")
    return Card(
        name=node.name,
        family=family,
        sentence=text.split("\n\n")[0].replace("\n", " "),
        formula=sections[".. math"],
        source=_linked(sections["Source"]),
        arguments=_arguments(node),
        width=re.split(r"[;.]", sections["Shape"].split("->")[-1])[0].strip(),
    )


def _sections(text: str) -> dict[str, str]:
    """Section names of a docstring and their text, on one line each."""
    heads = list(re.finditer(r"^(\.\. math|[A-Z][a-z]+):", text, re.MULTILINE))
    ends = [head.start() for head in heads[1:]] + [len(text)]
    bodies = (text[head.end() : end].strip(": \n").split("\n\n")[0] for head, end in zip(heads, ends, strict=True))
    return {head[1]: " ".join(body.split()) for head, body in zip(heads, bodies, strict=True)}


def _linked(source: str) -> str:
    """`title (address)` as markdown links."""
    return re.sub(r"([^;]+?) \((https://[^\s)]+)\)", _link, source).removesuffix(".")


def _link(found: re.Match[str]) -> str:
    title = found[1].lstrip()
    return f"{' ' if title != found[1] else ''}[{title}]({found[2]})"


def _arguments(node: ast.ClassDef) -> str:
    """The constructor's parameters as a caller would write them."""
    builds = [item for item in node.body if isinstance(item, ast.FunctionDef) and item.name == "__init__"]
    if not builds:
        return ""
    signature = builds[0].args
    for argument in ast.walk(signature):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    return ast.unparse(signature).removeprefix("self").removeprefix(", ")
