"""The sections and code blocks of seqpool/README.md, for the tests that run them."""

import re
from pathlib import Path

_README = Path(__file__).resolve().parents[1] / "seqpool" / "README.md"


def section(title: str) -> str:
    """The text under a heading, up to the next one of its height."""
    (text,) = re.findall(
        rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", _README.read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    return str(text)


def blocks(title: str, label: str) -> dict[str, str]:
    """The code blocks of a section by the name in the comment above each: `<!-- label:name -->`."""
    found = re.findall(rf"<!-- {label}:([\w-]+) -->\n```python\n(.*?)```", section(title), re.DOTALL)
    return dict(found)


def rows(title: str) -> list[list[str]]:
    """The cells of every table row of a section whose first cell is code, each as it is written."""
    lines = [line for line in section(title).splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
