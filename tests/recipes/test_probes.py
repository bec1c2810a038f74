from collections import Counter

import pytest

from recipes.data.module import TextData
from recipes.data.probes import LENGTHS, MARKERS, SIZES, TASKS, Draws, load_probe

CONTENT = {
    "needle": "575fe84d6ae2",
    "first": "684bab1da8e6",
    "last": "9b8b379b0f0b",
    "order": "25cb78191f8c",
    "majority": "5b0cb2c99393",
    "count": "0c1c5e04ef06",
}


def answer(task: str, words: list[str]) -> str:
    """The label, found from the words alone."""
    markers = [word for word in words if word in MARKERS]
    match task:
        case "needle":
            (only,) = markers
            return only
        case "first":
            return words[0]
        case "last":
            return words[-1]
        case "order":
            return markers[0]
        case "majority":
            return Counter(markers).most_common(1)[0][0]
    return str(len(markers))


@pytest.mark.parametrize("length", [8, 9, 64, pytest.param(1024, marks=pytest.mark.full)])
@pytest.mark.parametrize("task", TASKS)
def test_the_label_is_in_the_words_and_every_label_comes_as_often(task: str, length: int) -> None:
    splits = load_probe(f"{task}-{length}")
    assert {name: len(split) for name, split in splits.items()} == SIZES
    for split in splits.values():
        names = split.features["label"].names
        texts = [text.split() for text in split["text"]]
        assert [answer(task, words) for words in texts] == [names[label] for label in split["label"]]
        assert set(Counter(split["label"]).values()) == {len(split) // len(names)}
        lengths = {len(words) for words in texts}
        if task == "count":
            assert length // 2 <= min(lengths) < 0.6 * length
            assert 0.9 * length < max(lengths) <= length
        else:
            assert lengths == {length}


@pytest.mark.parametrize("task", ["first", "last", "order"])
def test_how_often_a_word_comes_says_nothing(task: str) -> None:
    for text in load_probe(f"{task}-16")["train"]["text"]:
        assert [text.split().count(marker) for marker in MARKERS] == [1, 1]


@pytest.mark.parametrize("length", [8, 64, 1024])
def test_a_majority_is_no_matter_of_presence(length: int) -> None:
    for text in load_probe(f"majority-{length}")["test"]["text"]:
        counts = sorted(text.split().count(marker) for marker in MARKERS)
        assert counts[0] > 0
        assert sum(counts) == length // 2
        assert counts[1] - counts[0] == max(2, length // 16)


def test_markers_stand_at_every_place() -> None:
    places = Counter(
        text.split().index(marker)
        for text in load_probe("needle-8")["train"]["text"]
        for marker in MARKERS
        if marker in text.split()
    )
    assert sorted(places) == list(range(8))
    assert min(places.values()) > 400


def test_no_text_comes_twice_and_no_split_repeats_another() -> None:
    for task in TASKS:
        texts = [text for split in load_probe(f"{task}-16").values() for text in split["text"]]
        assert len(set(texts)) == len(texts)


def test_the_raw_stream_is_the_one_of_every_machine() -> None:
    assert Draws(0, 1).below(1000, 6).tolist() == [549, 780, 886, 278, 722, 322]
    assert Draws(0, 1).places(6).tolist() == [4, 5, 1, 2, 0, 3]


@pytest.mark.parametrize("task", TASKS)
def test_the_texts_are_the_same_on_every_machine(task: str) -> None:
    assert TextData("probes", name=f"{task}-64").corpus.content == CONTENT[task]


@pytest.mark.parametrize("name", ["order-7", "order-1025", "order-", "order-x", "middle", "-8"])
def test_another_probe_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"the probes are needle, .* 8 to 1024 words .*'{name}' came"):
        TextData("probes", name=name)


def test_a_probe_is_not_cut() -> None:
    with pytest.raises(ValueError, match="128 tokens would cut the probe 'last-256': give max_tokens=256"):
        TextData("probes", name="last-256")
    data = TextData("probes", name="last-256", max_tokens=256)
    assert set(data.encoded("test").lengths) == {256}
    assert LENGTHS.stop == 1025


def test_a_word_is_a_token() -> None:
    assert TextData("probes", name="order-8").num_words == 2 + 64 + 2
