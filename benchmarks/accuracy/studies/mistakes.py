"""The same trained model pooled through each of the field's usual mistakes, as padding grows."""

from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.accuracy.job import Job
from benchmarks.accuracy.rows import Run
from benchmarks.accuracy.session import judged, start
from benchmarks.accuracy.studies.forms import FORMS, OVER, Steps
from benchmarks.accuracy.train import train
from recipes.data.batches import EncodedTexts
from recipes.model import TextClassifier

PADDINGS = (0, 1, 2, 5, 10, 20, 50)
"""Steps of padding behind every text."""
CORRECT = "seqpool"
AT_A_TIME = 256


def measure(job: Job) -> list[Run]:
    """Train once, and test with every form and padding; every text has the same padding, whatever its length.

    Raises:
        ValueError: no mistake is known for the pooler.
    """
    if job.pooler not in FORMS:
        raise ValueError(f"mistakes are known of {', '.join(FORMS)}, {job.pooler} came")
    session = start(job)
    trained, test = train(session), session.data.encoded("test")
    rows = []
    for padding in PADDINGS:
        for form, (predicted, order) in answers(trained.model, test, job.pooler, padding).items():
            lengths = [session.lengths[text] for text in order]
            found: dict[str, Any] = judged(predicted, test.labels[order], lengths, session.data.num_classes)
            rows.append(session.run(f"form={form}", f"added={padding}", **found, **trained.cost))
    return rows


@torch.no_grad()
def answers(
    model: TextClassifier, test: EncodedTexts, pooler: str, padding: int
) -> dict[str, tuple[Tensor, list[int]]]:
    """By form, the class of each text and which text it is."""
    found: dict[str, list[Tensor]] = {}
    order: list[int] = []
    for batch in equally_long(test.lengths):
        ids, lengths, _ = test[batch]
        for form, pooled in vectors(model, F.pad(ids, (0, padding)), lengths, pooler).items():
            found.setdefault(form, []).append(model.head(pooled).argmax(1))
        order += batch
    return {form: (torch.cat(parts), order) for form, parts in found.items()}


def vectors(model: TextClassifier, ids: Tensor, lengths: Tensor, pooler: str) -> dict[str, Tensor]:
    """By form, one vector a text: the trained pooler's own, and what is written in its place."""
    x = model.embedding(ids)
    rnn = model.encoder.rnn
    if not isinstance(rnn, nn.RNNBase):
        raise TypeError(f"the mistakes are those of a recurrent network, {type(rnn).__name__} came")
    packed, over = Steps.packed(rnn, x, lengths), Steps.over_padding(rnn, x, lengths)
    written = {name: form(over if name.startswith(OVER) else packed) for name, form in FORMS[pooler].items()}
    return {CORRECT: model.encoder(x, lengths), **written}


def equally_long(lengths: list[int]) -> Iterator[list[int]]:
    """Texts of one length together, so that no batch has padding of its own; an empty text has no step to pool."""
    by_length: dict[int, list[int]] = {}
    for text, length in enumerate(lengths):
        if length:
            by_length.setdefault(length, []).append(text)
    for same in by_length.values():
        for begin in range(0, len(same), AT_A_TIME):
            yield same[begin : begin + AT_A_TIME]
