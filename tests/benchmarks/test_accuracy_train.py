"""A row says what torchmetrics says of the same model, and a study changes nothing but what it names."""

from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from sklearn.metrics import f1_score  # type: ignore[import-untyped]  # it has no types

from benchmarks.accuracy.job import LINEAR, Job, run_of
from benchmarks.accuracy.rows import Run
from benchmarks.accuracy.session import start
from benchmarks.accuracy.studies import bias, gradients, importance, mistakes
from benchmarks.accuracy.study import STUDIES
from benchmarks.accuracy.train import build, measure, train

JOB = Job(
    study="poolers", dataset="probes:last-16", folder=".", encoder="BiLSTM 16", pooler="BiConcatPooler", seed=3,
    size=1_500, epochs=1, test_texts=200,
)  # fmt: skip  # one line a thought


def forms(rows: Iterable[Run]) -> dict[str, float]:
    """Accuracy by form, without what says of which run."""
    return {row.variant.removeprefix("test_texts=200; "): row.accuracy for row in rows}


def test_a_row_agrees_with_an_independent_count() -> None:
    (row,) = measure(JOB)
    session = start(JOB)
    model, test = train(session).model, session.data.encoded("test")
    with torch.no_grad():
        predicted = torch.cat([model(*test[[text]][:2]).argmax(1) for text in range(len(test))])
    right = int((predicted == test.labels).sum())
    assert row.accuracy == pytest.approx(right / 200)
    assert row.macro_f1 == pytest.approx(f1_score(test.labels, predicted, average="macro"), abs=1e-6)
    assert row.correct_by_length == f"10-20:{right}/200"
    assert (row.train_size, row.seed, row.epochs, row.variant) == (1_500, 3, 1, "test_texts=200")
    assert row.steps == len(session.data.train_dataloader())
    assert run_of(row) == run_of(JOB.cell(row.content_hash, 4_000))
    assert row.peak_mb is not None
    assert min(row.seconds, row.seconds_per_epoch, row.peak_mb) > 0


def test_seeds_share_the_test_and_validation_texts_but_not_those_trained_on() -> None:
    ours, theirs = (replace(JOB, seed=seed).data()[0].corpus for seed in (1, 2))
    assert ours.content == theirs.content
    for split in ("test", "validation"):
        assert ours.splits[split]["text"][:] == theirs.splits[split]["text"][:]
    assert len(ours.splits["validation"]) == 150
    assert ours.splits["train"]["text"][:] != theirs.splits["train"]["text"][:]


def test_a_baseline_is_the_one_of_the_recipes() -> None:
    (row,) = measure(replace(JOB, pooler="majority class"))
    labels = JOB.data()[0].corpus.splits
    most = max(set(labels["train"]["label"]), key=list(labels["train"]["label"]).count)
    assert row.accuracy == pytest.approx(list(labels["test"]["label"]).count(most) / 200)
    assert (row.encoder, row.epochs, row.steps, row.parameters) == ("none", 0, 0, 0)


def test_mistakes_cost_nothing_to_the_right_form_and_much_to_the_wrong_ones() -> None:
    found = forms(mistakes.measure(replace(JOB, study="mistakes", epochs=3)))
    right = found["form=seqpool; added=0"]
    assert right > 0.8
    for added in mistakes.PADDINGS:
        assert found[f"form=seqpool; added={added}"] == right
        assert found[f"form=h_n[-2] and h_n[-1]; added={added}"] == right
    over = "form=RNN over padding, h_n[-2] and h_n[-1]; added="
    assert found[over + "0"] == right
    assert found["form=output[:, -1]; added=1"] < right - 0.2


def test_mistakes_are_known_of_some_poolers_alone() -> None:
    with pytest.raises(ValueError, match=r"mistakes are known of BiConcatPooler, .*, FirstPooler came"):
        mistakes.measure(replace(JOB, pooler="FirstPooler"))


def test_padding_is_read_to_the_end_of_the_longest_text_there_may_be() -> None:
    data, _ = JOB.data()
    data.max_tokens = 24
    plain, reading = (build(replace(JOB, padding=padding), data).eval() for padding in (None, "read"))
    ids, _, _ = data.encoded("test")[range(8)]
    with torch.no_grad():
        expected = plain(F.pad(ids, (0, 24 - ids.shape[1])), torch.full((8,), 24))
        # The same text, in the batch of a shorter one and of a longer one.
        for width in (ids.shape[1], 20):
            found = reading(F.pad(ids, (0, width - ids.shape[1])), torch.full((8,), ids.shape[1]))
            torch.testing.assert_close(found, expected)


def test_the_smaller_the_part_the_more_epochs_it_may_have() -> None:
    sizes = replace(JOB, study="sizes", epochs=None)
    budgets = {size: replace(sizes, size=size).budget(22_500) for size in (1_000, 5_000, 10_000, 22_500)}
    # A recipe of five epochs; the probes' part of a twentieth would be given a hundred.
    assert budgets == {1_000: 20, 5_000: 20, 10_000: 15, 22_500: 5}
    assert replace(sizes, epochs=2).budget(22_500) == 2
    assert replace(sizes, study="poolers").budget(22_500) == 5
    assert replace(sizes, pooler="majority class").budget(22_500) == 0


@pytest.fixture
def reviews(tmp_path: Path) -> Path:
    """A folder of datasets, with one whose test texts have 3, 12 and 25 words."""
    folder = tmp_path / "imdb_long"
    folder.mkdir()
    texts = {"train": ["good " * 3, "bad " * 3] * 20, "test": ["good " * 3, "bad " * 12, "good " * 25]}
    for split, rows in texts.items():
        lines = [f"{text},{'pos' if 'good' in text else 'neg'}" for text in rows]
        (folder / f"{split}.csv").write_text("\n".join(["text,label", *lines, ""]))
    return tmp_path


@pytest.mark.parametrize(
    ("study", "pooler"),
    [("poolers", LINEAR), ("poolers", "BiConcatPooler"), ("mistakes", "BiConcatPooler"), ("bias", "BiConcatPooler")],
)
def test_a_texts_band_is_that_of_all_its_words(reviews: Path, study: str, pooler: str) -> None:
    job = replace(
        JOB, study=study, dataset="imdb_long", folder=str(reviews), pooler=pooler, size=None, test_texts=None,
        max_tokens=5, unrelated="imdb_long",
    )  # fmt: skip  # one line a thought
    rows = STUDIES[study].measure(job)
    for row in rows:
        assert isinstance(row, Run)
        assert {band: texts for band, (_, texts) in row.by_length.items()} == {"0-10": 1, "10-20": 1, "20-40": 1}


def test_a_network_that_reads_padding_says_so_in_its_row() -> None:
    pair = [replace(JOB, dataset="probes:count-16", study="masking", padding=padding) for padding in (None, "read")]
    masked, unmasked = (measure(job)[0] for job in pair)
    assert (masked.variant, unmasked.variant) == ("test_texts=200", "test_texts=200; padding=read")
    assert masked.correct_by_length != unmasked.correct_by_length


def test_added_text_moves_the_ends_away() -> None:
    found = forms(bias.measure(replace(JOB, study="bias", epochs=3, unrelated="probes:first-8")))
    assert list(found)[:4] == ["side=none; times=0", *(f"side={s}; times=1" for s in ("left", "right", "both"))]
    # The label is the last word, and the added texts end with other markers.
    assert found["side=none; times=0"] > 0.8
    assert found["side=right; times=3"] < found["side=none; times=0"] - 0.1


def test_curves_have_a_point_a_tenth() -> None:
    job = replace(JOB, pooler="MaskedMeanPooler")
    points = gradients.measure(replace(job, study="gradients"))
    steps = sorted({point.step for point in points})
    assert steps == [0, 1, 2]
    for step in steps:
        norms = [point for point in points if point.step == step and point.measure == "gradient norm"]
        assert [point.position for point in norms] == [str(place) for place in range(10)]
        assert all(point.value > 0 for point in norms)
    words = importance.measure(replace(job, study="importance"))
    assert [point.position for point in words] == [str(place) for place in range(10)]
    assert {point.texts for point in words} == {200}
    assert all(0 <= point.value <= 1 for point in words)


@pytest.mark.parametrize(("size", "steps"), [(1_500, [0, 1, 2, 3, 4, 5]), (2_400, [0, 2, 3, 4, 5, 7, 8, 9])])
def test_curves_are_looked_at_four_times_an_epoch_at_most(size: int, steps: list[int]) -> None:
    points = gradients.measure(replace(JOB, study="gradients", pooler="MaskedMeanPooler", size=size, epochs=2))
    assert sorted({point.step for point in points}) == steps


def test_a_texts_importance_does_not_depend_on_its_batch() -> None:
    data, _ = JOB.data()
    model = build(JOB, data).eval()
    ids, lengths, labels = data.encoded("test")[range(4)]
    short = ids[:, :12], torch.full_like(lengths, 12), labels
    long = ids.repeat(1, 20), 20 * lengths, labels
    both = torch.cat([F.pad(short[0], (0, long[0].shape[1] - 12)), long[0]])
    found = importance.importance(model, (both, torch.cat([short[1], long[1]]), labels.repeat(2)))
    torch.testing.assert_close(found[:4], importance.importance(model, short), rtol=1e-3, atol=1e-4)


def test_every_study_is_of_rows_that_it_names() -> None:
    assert {name for name, study in STUDIES.items() if study.row is not Run} == {"gradients", "importance"}
    assert asdict(Job.read(JOB.written())) == asdict(JOB)
