"""A row says what torchmetrics says of the same model, and a study changes nothing but what it names."""

from collections.abc import Iterable
from dataclasses import asdict, replace

import pytest
import torch
from sklearn.metrics import f1_score  # type: ignore[import-untyped]  # it has no types

from benchmarks.accuracy.job import Job, run_of
from benchmarks.accuracy.rows import Run
from benchmarks.accuracy.session import start
from benchmarks.accuracy.studies import bias, gradients, importance, mistakes
from benchmarks.accuracy.study import STUDIES
from benchmarks.accuracy.train import measure, train

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
    assert min(row.seconds, row.seconds_per_epoch, row.peak_mb) > 0


def test_seeds_share_the_test_and_validation_texts_but_not_those_trained_on() -> None:
    ours, theirs = (replace(JOB, seed=seed).data().corpus for seed in (1, 2))
    assert ours.content == theirs.content
    for split in ("test", "validation"):
        assert ours.splits[split]["text"][:] == theirs.splits[split]["text"][:]
    assert len(ours.splits["validation"]) == 150
    assert ours.splits["train"]["text"][:] != theirs.splits["train"]["text"][:]


def test_a_baseline_is_the_one_of_the_recipes() -> None:
    (row,) = measure(replace(JOB, pooler="majority class"))
    labels = JOB.data().corpus.splits
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


def test_every_study_is_of_rows_that_it_names() -> None:
    assert {name for name, study in STUDIES.items() if study.row is not Run} == {"gradients", "importance"}
    assert asdict(Job.read(JOB.written())) == asdict(JOB)
