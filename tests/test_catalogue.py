"""The catalogue says of each pooler what its class says, once, where a reader looks for it."""

import re
from collections import Counter
from collections.abc import Iterator

import pytest

import seqpool.poolers
from seqpool import Pooler, functional
from tests import catalogue
from tests.cards import FAMILIES, Card, read
from tests.tables import HEAD

FILES = read(catalogue.ROOT / "seqpool" / "poolers")
CARDS = [card for file in FILES for card in file.poolers]
FUNCTIONS = [card for file in FILES for card in file.functions]
ROW = re.compile(r"\| \[`(\w+)`\]")
# Names that the field uses and this library does not, with what a reader who knows them looks for.
SOUGHT = {
    "CLS": "FirstPooler",
    "TAP": "MaskedMeanPooler",
    "SGPT": "PositionWeightedMeanPooler",
    "ABMIL": "GatedAttentionPooler",
    "GeM": "GeMPooler",
    "SeqPool": "AttentionPooler",
    "SIF": "smooth_inverse_frequency",
    "INSTRUCTOR": "skip_first",
    "mean pooling": "MaskedMeanPooler",
    "max pooling": "MaskedMaxPooler",
    "min pooling": "MaskedMinPooler",
    "sum pooling": "MaskedSumPooler",
    "attention pooling": "AttentionPooler",
    "CLS pooling": "FirstPooler",
    "last-token pooling": "LastPooler",
    "Bidirectional": "BiConcatPooler",
}


def generated(name: str) -> str:
    """What the command wrote into a README."""
    text = (catalogue.ROOT / name).read_text("utf-8")
    return text.split(catalogue.BEGIN)[1].split(catalogue.END)[0]


def sections() -> dict[str, str]:
    """The headings of the catalogue, in their order, and what stands below each."""
    _, *parts = re.split(r"^## (.*)$", generated("seqpool/README.md"), flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))


def rows(table: str) -> Iterator[list[str]]:
    """The cells of each row below a table's head."""
    for line in table.splitlines():
        if line.startswith("| ") and not line.startswith("| ---"):
            yield re.split(r" (?<!\\)\| ", line.removeprefix("| ").removesuffix(" |"))


def test_every_pooler_stands_in_one_family() -> None:
    *families, index = sections()
    assert families == list(FAMILIES)
    assert index == "Known by another name"
    found = Counter(name for family in families for name in ROW.findall(sections()[family]))
    assert found == Counter(seqpool.poolers.__all__)


def test_the_root_readme_names_every_family_and_every_pooler() -> None:
    _, *families = rows(generated("README.md"))
    assert [re.findall(r"\w[\w -]*", cells[0])[0] for cells in families] == list(FAMILIES)
    for family, (*_, poolers) in zip(FAMILIES, families, strict=True):
        assert re.findall(r"`(\w+)`", poolers) == ROW.findall(sections()[family])


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_a_card_says_what_the_class_declares(card: Card) -> None:
    cls = getattr(seqpool.poolers, card.name)
    assert issubclass(cls, Pooler)
    assert all((card.sentence, card.formula, card.source, card.width))
    assert card.sentence.endswith(".")
    assert "https://" in card.source or card.source == "this library"
    assert card.also == cls.also
    assert card.traits is not None
    said = (card.traits.order, card.traits.piecewise, card.traits.needs, card.traits.exempt)
    assert said == (cls.order, cls.piecewise, cls.needs, cls.exempt)


def test_functions_with_a_source_are_public_and_listed() -> None:
    assert FUNCTIONS
    for card in FUNCTIONS:
        assert card.name in functional.__all__
        assert f"- [`{card.name}`](poolers/{card.file}.py)`({card.arguments})`" in generated("seqpool/README.md")


def test_the_index_has_every_other_name_in_alphabetical_order() -> None:
    _, *known = rows(sections()["Known by another name"])
    names = [re.sub(r"\\(.)", r"\1", name) for name, _ in known]
    assert names == sorted(names, key=lambda name: (name.lower(), name))
    found = {(name, here) for name, (_, cell) in zip(names, known, strict=True) for here in re.findall("`(.+?)`", cell)}
    classes = [getattr(seqpool.poolers, name) for name in seqpool.poolers.__all__]
    expected = {(name, cls.__name__) for cls in classes for name in cls.also}
    assert found == expected | {(name, card.name) for card in FUNCTIONS for name in card.also}
    assert set(SOUGHT.items()) <= found


def test_rows_are_whole_and_formulas_are_kept_from_markdown() -> None:
    for family in FAMILIES:
        head, *found = rows(sections()[family])
        assert head == HEAD
        for cells in found:
            assert len(cells) == len(HEAD), cells[0]
            assert "`$" in cells[1]
            assert ":math:" not in cells[1]
            # Outside code and formulas nothing is left that Markdown would take for its own.
            bare = re.sub(r"`[^`]*`", "", cells[1])
            assert "\\" not in re.sub(r"\\[_\[\]*<>]", "", bare), cells[0]
            assert not re.search(r"(?<!\\)_", re.sub(r"\]\(\S+\)", "]", bare)), cells[0]
            for formula in re.findall(r"\$`([^`]*)`\$", cells[1]):
                assert formula.count("{") == formula.count("}"), formula
                assert "|" not in formula, formula
