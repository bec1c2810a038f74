import pytest
from datasets import Dataset, DatasetDict  # type: ignore[import-untyped]  # it has no types

from recipes.data.module import TextData
from recipes.data.tokens import encode, train_tokenizer
from tests.recipes.conftest import FEATURES, small_split


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    rare = Dataset.from_list([{"text": "zirconium apple", "label": 0}] * 3, features=FEATURES)
    path = tmp_path_factory.mktemp("rare") / "saved"
    DatasetDict({"train": small_split(30), "validation": rare, "test": rare}).save_to_disk(path)
    return str(path)


def test_other_classes_than_the_checkpoints_are_refused(folder: str) -> None:
    data = TextData(folder)
    state = data.state_dict()
    assert state["labels"] == list(data.corpus.labels)
    first, second, *rest = state["labels"]
    message = rf"must be those of the data in the same order, it has '{second}', '{first}'.*the data have '{first}'"
    with pytest.raises(ValueError, match=message):
        TextData(folder).load_state_dict(state | {"labels": [second, first, *rest]})


def test_the_vocabulary_is_of_the_training_split_alone(folder: str) -> None:
    vocabulary = TextData(folder).tokenizer.get_vocab()
    assert "apple" in vocabulary
    assert "zirconium" not in vocabulary
    assert (vocabulary["[PAD]"], vocabulary["[UNK]"]) == (0, 1)


def test_an_unknown_word_is_one_step(folder: str) -> None:
    data = TextData(folder)
    ids, lengths, _ = next(iter(data.test_dataloader()))
    assert ids.tolist() == [[1, data.tokenizer.token_to_id("apple")]] * 3
    assert lengths.tolist() == [2, 2, 2]


def test_words_marks_and_the_parts_of_identifiers_are_tokens() -> None:
    tokenizer = train_tokenizer(["batch_first ( ) . Apple"], vocab_size=100)
    assert tokenizer.encode("APPLE.batch_first()").tokens == ["apple", ".", "batch", "_", "first", "(", ")"]


def test_long_texts_are_cut() -> None:
    tokenizer = train_tokenizer(["a b c"], vocab_size=10)
    assert [len(ids) for ids in encode(tokenizer, ["a b c a b c", "a", ""], max_tokens=4)] == [4, 1, 0]


def test_the_vocabulary_is_bounded(folder: str) -> None:
    assert TextData(folder, vocab_size=5).num_words == 5


def test_a_checkpoint_brings_its_vocabulary(folder: str) -> None:
    data, other = TextData(folder), TextData(folder, vocab_size=4)
    other.load_state_dict(data.state_dict())
    assert other.tokenizer.get_vocab() == data.tokenizer.get_vocab()


def test_a_missing_test_split_is_named(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("train") / "saved"
    DatasetDict({"train": small_split(60)}).save_to_disk(path)
    with pytest.raises(ValueError, match=r"has no labelled split for test: choose one with columns\.test"):
        TextData(str(path)).encoded("test")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"vocab_size": 1}, "vocab_size must be at least 2, 1 came"),
        ({"batch_tokens": 0}, "batch_tokens must be at least 1, 0 came"),
        ({"max_texts": 0}, "max_texts must be at least 1, 0 came"),
        ({"seed": -1}, "seed must be at least 0, -1 came"),
    ],
)
def test_numbers_out_of_range(arguments: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TextData("docstrings", **arguments)  # type: ignore[arg-type]  # each is a valid keyword
