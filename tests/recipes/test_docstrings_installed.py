"""What the issue promises of the dataset, on the packages that are installed; built once, then read from the cache."""

import statistics
from collections import Counter, defaultdict

import pytest
from datasets import DatasetDict  # type: ignore[import-untyped]  # it has no types

from recipes.data.columns import USUAL
from recipes.data.corpus import load_corpus
from recipes.data.docstrings import PER_CLASS, WORDS, load_docstrings
from recipes.data.masking import Masker
from recipes.data.packages import Package, default_packages, module_names


@pytest.fixture(scope="module")
def packages() -> list[Package]:
    return default_packages()


@pytest.fixture(scope="module")
def built(packages: list[Package]) -> DatasetDict:
    return load_docstrings(packages)


def test_no_text_mentions_a_name(packages: list[Package], built: DatasetDict) -> None:
    masker = Masker(module_names(packages))
    mentions = [name for split in built.values() for text in split["text"] for name in masker.mentions(text)]
    assert mentions == []


def test_no_text_comes_twice(built: DatasetDict) -> None:
    texts = Counter(text.lower() for split in built.values() for text in split["text"])
    assert [text for text, times in texts.items() if times > 1] == []


def test_no_file_is_in_two_splits(built: DatasetDict) -> None:
    splits = defaultdict(set)
    for name, split in built.items():
        for file in split["file"]:
            splits[file].add(name)
    assert [file for file, names in splits.items() if len(names) > 1] == []


def test_every_class_is_large_enough_and_none_too_large(packages: list[Package], built: DatasetDict) -> None:
    tested = Counter(built["test"]["label"])
    every: Counter[int] = Counter()
    for split in built.values():
        every.update(split["label"])
    assert sorted(tested) == list(range(len(packages)))
    assert min(tested.values()) >= 75
    assert max(every.values()) == PER_CLASS


def test_the_texts_have_the_promised_lengths(built: DatasetDict) -> None:
    lengths = sorted(len(text.split()) for split in built.values() for text in split["text"])
    assert 12_000 < len(lengths) < 15_000
    assert 38 < statistics.median(lengths) < 52
    assert lengths[0] >= WORDS.start
    assert lengths[int(0.95 * len(lengths))] < 420
    assert lengths[-1] < WORDS.stop


def test_the_corpus_names_content_and_versions(packages: list[Package]) -> None:
    about = load_corpus("docstrings", columns=USUAL, max_texts=50).describe()
    assert "docstrings, content " in about["data"]
    assert about["data versions"] == ", ".join(f"{package.name} {package.version}" for package in packages)
