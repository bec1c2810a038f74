"""Refresh what is generated from the poolers' files: `python -m tests.catalogue`; `--check` asks whether it is due.

Written are the exports of `seqpool.poolers` and `seqpool`, the families in the root README and the catalogue.
"""

import argparse
import ast
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests import tables
from tests.cards import File, read

ROOT = Path(__file__).resolve().parents[1]
COMMAND = "python -m tests.catalogue"
BEGIN, END = "<!-- poolers:begin -->", "<!-- poolers:end -->"


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Write what is stale; with `--check`, name it and fail."""
    parser = argparse.ArgumentParser(prog=COMMAND, description="Refresh the exports and tables of the poolers.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 where something is stale")
    check = parser.parse_args(arguments).check
    try:
        texts = stale(root)
    except (ValueError, OSError) as error:
        parser.error(str(error))
    for path, text in texts.items():
        if not check:
            path.write_text(text, "utf-8")
        print(f"{'stale' if check else 'written'}: {path.relative_to(root)}")  # noqa: T201  # a command speaks
    if check and texts:
        print(f"run {COMMAND}")  # noqa: T201  # a command speaks
    return int(check and bool(texts))


def stale(root: Path = ROOT) -> dict[Path, str]:
    """Files whose generated part is not what the poolers' files say, with the text that they should have."""
    found = read(root / "seqpool" / "poolers")
    texts = {
        root / "seqpool" / "poolers" / "__init__.py": _exports(found),
        root / "seqpool" / "__init__.py": _public(root / "seqpool" / "__init__.py", found),
        root / "README.md": _between(root / "README.md", tables.overview(found)),
        root / "seqpool" / "README.md": _between(root / "seqpool" / "README.md", tables.catalogue(found)),
    }
    return {path: text for path, text in texts.items() if not path.exists() or path.read_text("utf-8") != text}


def _names(found: Sequence[File]) -> list[str]:
    return [card.name for file in found for card in file.poolers]


def _exports(found: Sequence[File]) -> str:
    """The text of `seqpool/poolers/__init__.py`."""
    imports = [
        f"from seqpool.poolers.{file.name} import {', '.join(card.name for card in file.poolers)}"
        for file in found
        if file.poolers
    ]
    head = f'"""Every pooler; written by `{COMMAND}`."""'
    return _formatted("\n".join([head, "", *imports, "", _listed(_names(found))]))


def _public(path: Path, found: Sequence[File]) -> str:
    """The text of `seqpool/__init__.py`: its import of the poolers and its `__all__` renewed, the rest as it was."""
    text = path.read_text("utf-8")
    body = ast.parse(text).body
    imports = [node for node in body if isinstance(node, ast.ImportFrom) and node.module == "seqpool.poolers"]
    lists = [node for node in body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"]
    if len(imports) != 1 or len(lists) != 1:
        raise ValueError(f"{path.name} of seqpool needs one import from seqpool.poolers and one __all__")
    old = {name.name for name in imports[0].names}
    others = [name for name in ast.literal_eval(lists[0].value) if name not in old]
    lines = text.splitlines()
    new = {
        imports[0]: f"from seqpool.poolers import {', '.join(sorted(_names(found)))}",
        lists[0]: _listed(others + _names(found)),
    }
    for node in (lists[0], imports[0]):  # from the end, so that line numbers stay true
        lines[node.lineno - 1 : node.end_lineno] = [new[node]]
    return _formatted("\n".join(lines))


def _listed(names: Sequence[str]) -> str:
    return f"__all__ = {sorted(names)}"


def _formatted(source: str) -> str:
    """Python as `ruff` sorts and formats it."""
    ruff = [sys.executable, "-m", "ruff"]
    name = ["--stdin-filename", "seqpool/__init__.py", "-"]
    for step in (["check", "--quiet", "--fix", "--select", "I,RUF022"], ["format", "--quiet"]):
        run = subprocess.run([*ruff, *step, *name], input=source, capture_output=True, text=True, check=True, cwd=ROOT)
        source = run.stdout
    return source


def _between(path: Path, table: str) -> str:
    """The text of a README with its generated table renewed."""
    text = path.read_text("utf-8")
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise ValueError(f"{path.name} of {path.parent.name or '.'} needs one line {BEGIN} and one line {END} after it")
    head, tail = text.split(BEGIN)[0], text.split(END)[1]
    return f"{head}{BEGIN}\n{table}\n{END}{tail}"


if __name__ == "__main__":
    raise SystemExit(main())
