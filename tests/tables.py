"""The poolers as a reader finds them: by family, and by the names that the field knows them by."""

import re
from collections import defaultdict
from collections.abc import Sequence

from tests.cards import FAMILIES, Card, File

HEAD = ["pooler and parameters", "definition and source", "width", "order matters", "second derivative"]
BREAK = "<br> "
# A pipe would end the cell, even inside a formula.
BARS = {r"\|": r"\Vert ", "|": r"\vert "}


def overview(files: Sequence[File]) -> str:
    """A row a family, for the root README."""
    rows = [
        [
            f"[{family}](seqpool/README.md#{_anchor(family)})",
            purpose,
            ", ".join(f"`{card.name}`" for card in _poolers(files, family)),
        ]
        for family, purpose in FAMILIES.items()
    ]
    return _table(["family", "what for", "poolers"], rows)


def catalogue(files: Sequence[File]) -> str:
    """Every pooler by family, then the index of other names."""
    links = " · ".join(f"[{name}](#{_anchor(name)})" for name in [*FAMILIES, "Known by another name"])
    families = [_family(files, family) for family in FAMILIES]
    return "\n\n".join([links, *families, f"## Known by another name\n\n{index(files)}"])


def index(files: Sequence[File]) -> str:
    """Names that the field knows a method by, in alphabetical order, and what they are called here."""
    found = defaultdict(list)
    for file in files:
        for card in (*file.poolers, *file.functions):
            for name in card.also:
                found[name].append(_linked_name(card))
    rows = [[_escaped(name), ", ".join(found[name])] for name in sorted(found, key=lambda name: (name.lower(), name))]
    return _table(["known as", "here"], rows)


def _family(files: Sequence[File], family: str) -> str:
    functions = [card for file in files if file.family == family for card in file.functions]
    purpose = FAMILIES[family]
    parts = [
        f"## {family}",
        f"{purpose[0].upper()}{purpose[1:]}.",
        _table(HEAD, [_row(card) for card in _poolers(files, family)]),
        "\n".join(f"- {_linked_name(card)}`({card.arguments})`: {' '.join(_definition(card))}" for card in functions),
    ]
    return "\n\n".join(filter(None, parts))


def _poolers(files: Sequence[File], family: str) -> list[Card]:
    return sorted(
        (card for file in files if file.family == family for card in file.poolers), key=lambda card: card.name
    )


def _row(card: Card) -> list[str]:
    assert card.traits is not None
    called = [
        _linked_name(card),
        f"`{card.arguments}`" if card.arguments else "",
        f"needs {' and '.join(f'`{need}`' for need in card.traits.needs)}" if card.traits.needs else "",
    ]
    exempt = [f"Exempt from *{row}*: {reason}." for row, reason in card.traits.exempt.items()]
    return [
        BREAK.join(filter(None, called)),
        BREAK.join([*_definition(card), *exempt]),
        card.width.replace(" features", ""),
        "yes" if card.traits.order else "no",
        "0" if card.traits.piecewise else "not 0",
    ]


def _definition(card: Card) -> list[str]:
    known = [f"Known as {', '.join(map(_escaped, card.also))}."] if card.also else []
    return [card.sentence, f"{_formula(card.formula)}.", f"Source: {_source(card.source)}.", *known]


def _linked_name(card: Card) -> str:
    return f"[`{card.name}`](poolers/{card.file}.py)"


def _anchor(heading: str) -> str:
    """Where GitHub puts a heading."""
    return heading.lower().replace(" ", "-")


def _formula(latex: str) -> str:
    """A formula in pieces, so that a line can break between them."""
    return ", ".join(map(_math, re.split(r",\s*\\quad\s*", latex)))


def _math(latex: str) -> str:
    """LaTeX between GitHub's delimiters that keep Markdown out of it; words upright."""
    latex = re.sub(r"\\\||\|", lambda bar: BARS[bar[0]], latex)
    upright = re.sub(r"(?<![\\A-Za-z{])[A-Za-z]{3,}", r"\\mathrm{\g<0>}", latex)
    return f"$`{upright.strip()}`$"


def _source(text: str) -> str:
    """`title (address)` as a link on the title: what stands in quotation marks, or all that is no part of another."""
    text = re.sub(r":math:`([^`]*)`", lambda found: _math(found[1]), text)
    address = r"\((https://(?:[^\s()]|\([^\s()]*\))+)\)"
    return re.sub(rf'("[^"]*"|[^;,()"]*[^;,()"\s]) {address}', _link, text)


def _link(found: re.Match[str]) -> str:
    title = found[1].lstrip()
    return f"{' ' if title != found[1] else ''}[{title}]({found[2]})"


def _escaped(text: str) -> str:
    return re.sub(r"([\\`*_\[\]<>])", r"\\\1", text)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    return "\n".join(f"| {' | '.join(map(_cell, cells))} |" for cells in [head, ["---"] * len(head), *rows])


def _cell(text: str) -> str:
    return text.replace("|", r"\|")
