from collections import Counter
from pathlib import Path

import pytest
from datasets import (  # type: ignore[import-untyped]  # it has no types
    ClassLabel,
    Dataset,
    DatasetDict,
    Features,
    Value,
)

from recipes.data.columns import USUAL, Columns
from recipes.data.corpus import load_corpus
from recipes.data.tables import labelled
from tests.recipes.conftest import small_split

SHARED = Path(__file__).resolve().parents[3] / "shared" / "datasets"


def save(folder: Path, **splits: Dataset) -> str:
    DatasetDict(splits).save_to_disk(folder / "saved")
    return str(folder / "saved")


def test_a_saved_dataset_is_read_as_it_is(corpus_folder: str) -> None:
    corpus = load_corpus(corpus_folder, columns=USUAL)
    assert corpus.labels == ["fruit", "metal", "river"]
    assert {name: len(split) for name, split in corpus.splits.items()} == {"train": 60, "validation": 15, "test": 18}
    assert corpus.splits["test"][0] == {"text": "", "label": 0}


def test_a_folder_of_csv_files_with_labels_as_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    folder = tmp_path / "files"
    folder.mkdir()
    rows = [f"a sentence of {kind},{kind}" for kind in ("b", "a") * 10]
    (folder / "train.csv").write_text("\n".join(["sentence,kind", *rows]))
    (folder / "test.csv").write_text("sentence,kind\nanother,b\n")
    corpus = load_corpus(str(folder), columns=Columns(text="sentence", label="kind"))
    assert corpus.labels == ["a", "b"]
    assert corpus.splits["test"].to_list() == [{"text": "another", "label": 1}]


def test_columns_are_found_by_their_types(tmp_path: Path) -> None:
    features = Features({"id": Value("int64"), "phrase": Value("string"), "mood": ClassLabel(names=["low", "high"])})
    train = Dataset.from_list([{"id": i, "phrase": f"p{i}", "mood": i % 2} for i in range(20)], features=features)
    corpus = load_corpus(save(tmp_path, train=train), columns=USUAL)
    assert corpus.labels == ["low", "high"]
    assert sorted(corpus.splits["train"].column_names) == ["label", "text"]


def test_a_missing_validation_split_is_cut_from_train(tmp_path: Path) -> None:
    folder = save(tmp_path, train=small_split(90), test=small_split(9))
    corpus = load_corpus(folder, columns=USUAL, seed=1)
    assert Counter(corpus.splits["validation"]["label"]) == {0: 3, 1: 3, 2: 3}
    assert Counter(corpus.splits["train"]["label"]) == {0: 27, 1: 27, 2: 27}
    assert load_corpus(folder, columns=USUAL, seed=1).content == corpus.content
    assert load_corpus(folder, columns=USUAL, seed=2).content != corpus.content


def test_validation_may_serve_as_test(corpus_folder: str) -> None:
    corpus = load_corpus(corpus_folder, columns=Columns(test="validation"))
    assert {name: len(split) for name, split in corpus.splits.items()} == {"train": 54, "validation": 6, "test": 15}


def test_rows_without_a_label_are_left_out(tmp_path: Path) -> None:
    features = small_split(1).features
    hidden = Dataset.from_list([{"text": "secret", "label": -1}] * 4, features=features)
    corpus = load_corpus(save(tmp_path, train=small_split(30), validation=small_split(6), test=hidden), columns=USUAL)
    assert list(corpus.splits) == ["train", "validation"]


def test_max_texts_draws_the_same_texts_again(corpus_folder: str) -> None:
    first, again = (load_corpus(corpus_folder, columns=USUAL, max_texts=16, seed=4) for _ in range(2))
    assert {name: len(split) for name, split in first.splits.items()} == {"train": 16, "validation": 15, "test": 16}
    assert first.content == again.content


def test_the_content_hash_sees_texts_and_labels(tmp_path: Path) -> None:
    train = small_split(30)
    relabelled = train.map(lambda row: {"label": (row["label"] + 1) % 3})
    reworded = train.map(lambda row: {"text": row["text"] + "!"})
    contents = {
        load_corpus(save(tmp_path / str(index), train=split, validation=split), columns=USUAL).content
        for index, split in enumerate((train, relabelled, reworded, train))
    }
    assert len(contents) == 3


AMBIGUOUS = Features({"one": Value("string"), "two": Value("string"), "label": ClassLabel(names=["a", "b"])})
NUMBERS = Features({"text": Value("string"), "score": Value("float64")})


@pytest.mark.parametrize(
    ("features", "columns", "message"),
    [
        (AMBIGUOUS, USUAL, "several columns may be the text, 'one', 'two': choose one with columns.text"),
        (AMBIGUOUS, Columns(text="three"), "no column 'three', its columns are 'one', 'two', 'label'"),
        (AMBIGUOUS, Columns(train="all"), "needs a split 'all' to train on, it has 'train'"),
        (NUMBERS, USUAL, "no column looks like the label, they are 'text', 'score': name it with columns.label"),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, features: Features, columns: Columns, message: str) -> None:
    rows = {name: [None] * 4 for name in features}
    folder = save(tmp_path, train=Dataset.from_dict(rows, features=features))
    with pytest.raises(ValueError, match=message):
        load_corpus(folder, columns=columns)


def test_a_class_of_one_text_stays_in_train_and_the_report_says_so(tmp_path: Path) -> None:
    folder = save(tmp_path, train=small_split(61).select([*range(0, 60, 3), 1]))
    corpus = load_corpus(folder, columns=USUAL)
    assert Counter(corpus.splits["train"]["label"]) == {0: 18, 1: 1}
    assert Counter(corpus.splits["validation"]["label"]) == {0: 2}
    said = "cut from train, stratified by seed 0, but for 1 classes of one text, which stay in train"
    assert corpus.describe()["validation"] == said


def test_with_more_classes_than_texts_to_cut_they_are_drawn_at_random(tmp_path: Path) -> None:
    corpus = load_corpus(save(tmp_path, train=small_split(12)), columns=USUAL)
    assert (len(corpus.splits["train"]), len(corpus.splits["validation"])) == (11, 1)
    assert "not stratified" in corpus.describe()["validation"]


def test_nothing_can_be_cut_from_one_text(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="none can be cut from 1 training texts"):
        load_corpus(save(tmp_path, train=small_split(1)), columns=USUAL)


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_an_empty_split_is_named(split: str) -> None:
    splits = {name: small_split(30) for name in ("train", "validation", "test")} | {split: small_split(3).select([])}
    with pytest.raises(ValueError, match=rf"the split for {split} is empty: .* columns\.{split}"):
        labelled(splits, USUAL)


def test_a_class_label_out_of_range(tmp_path: Path) -> None:
    features = small_split(1).features
    wrong = Dataset.from_dict({"text": ["a"] * 4, "label": [0, 1, 2, 7]})
    wrong.info.features = features  # as a file written by other software may say
    with pytest.raises(ValueError, match="label 7 in the column 'label' is out of range: it names 3 classes, 0 to 2"):
        load_corpus(save(tmp_path, train=wrong), columns=USUAL)


def test_a_label_that_no_training_text_has(tmp_path: Path) -> None:
    train = Dataset.from_dict({"text": ["a", "b"] * 10, "label": [3, 10] * 10})
    test = Dataset.from_dict({"text": ["a", "b"], "label": [3, 4]})
    with pytest.raises(ValueError, match="the label '4' is in no training text, those have '3', '10'"):
        load_corpus(save(tmp_path, train=train, test=test), columns=USUAL)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("./nowhere", "there is no folder './nowhere'"),
        # The ban on the network speaks for itself, or through `datasets`, by what was asked of the hub before.
        (
            "nobody/nothing",
            "the dataset 'nobody/nothing' cannot be loaded: (Couldn't reach 'nobody/nothing'|tests must not use)",
        ),
    ],
)
def test_a_dataset_that_is_not_there(path: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load_corpus(path, columns=USUAL)


@pytest.mark.parametrize(
    ("name", "columns", "classes"),
    [("trec", Columns(label="coarse_label"), 6), ("sst2_sentences", USUAL, 2), ("sms_spam", USUAL, 2)],
)
def test_real_folders(
    name: str, columns: Columns, classes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not (SHARED / name).is_dir():
        pytest.skip(f"the dataset folder {name} is not beside this clone")
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path)
    corpus = load_corpus(str(SHARED / name), columns=columns, max_texts=200)
    assert len(corpus.labels) == classes
    assert {key: len(split) for key, split in corpus.splits.items()} == {"train": 200, "validation": 200, "test": 200}
