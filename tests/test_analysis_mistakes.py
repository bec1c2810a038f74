"""Planted mistakes: each must move a result away from what the sequences give alone."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import _VF, Tensor, nn

from seqpool import AttentionPooler, BiConcatPooler, MaskedSumPooler, Sequences, ops
from seqpool.analysis import (
    attention_saliency,
    by_position,
    gradient_norms,
    gradients,
    hidden_gradient_norms,
    importance,
    positions,
    rows,
    states,
    vanishing_ratio,
    weights,
    word_importance,
)
from tests.analysis_cases import by_sequence, close, ragged
from tests.layouts import LAYOUTS

LENGTHS = (2, 5, 4)
Patch = pytest.MonkeyPatch


def padding_has_gradient(patch: Patch) -> None:
    patch.setattr(gradients, "real", lambda seq: torch.ones_like(seq.owner(), dtype=torch.bool))


def packed_order_is_sorted_order(patch: Patch) -> None:
    correct = rows.to_steps
    patch.setattr(weights, "to_steps", lambda seq, numbers: correct(replace(seq, order=None), numbers))


def backward_states_stay_reversed(patch: Patch) -> None:
    patch.setattr(states, "_mirrored", lambda _, half: half)


def whole_rows_are_reversed(patch: Patch) -> None:
    patch.setattr(states, "_mirrored", lambda _, half: half.flip(0))


def recurrence_is_left_out(patch: Patch) -> None:
    lstm = _VF.lstm

    def step(x: Tensor, hx: tuple[Tensor, Tensor], *others: Any) -> tuple[Tensor, ...]:
        result: tuple[Tensor, ...] = lstm(x, (hx[0].detach(), hx[1].detach()), *others)
        return result

    patch.setattr(_VF, "lstm", step, raising=False)


def largest_of_the_batch(patch: Patch) -> None:
    patch.setattr(
        importance, "peak", lambda seq, moved: ops.peak(seq, moved).amax(0, keepdim=True).expand(seq.batch, 1)
    )


def windows_of_the_padded_axis(patch: Patch) -> None:
    patch.setattr(Sequences, "position", lambda seq: torch.arange(seq.values.shape[1]).expand(seq.values.shape[:2]))


def buckets_of_the_padded_axis(patch: Patch) -> None:
    correct = ops.total
    patch.setattr(
        positions, "total", lambda seq, shares: correct(seq, shares) * seq.count.unsqueeze(1) / seq.values.shape[1]
    )


def end_of_the_padded_axis(patch: Patch) -> None:
    patch.setattr(Sequences, "last", lambda seq: torch.zeros_like(seq.count))


Answers = list[Tensor]


def norms(layout: str, x: Answers) -> Answers:
    # A model that reads padding sends it a gradient.
    found = gradient_norms(lambda steps: steps.sum((1, 2)), LAYOUTS[layout](x).view())
    return by_sequence(layout, [len(one) for one in x], found)


def attention(layout: str, x: Answers) -> Answers:
    torch.manual_seed(0)
    laid, pooler = LAYOUTS[layout](x), AttentionPooler(3).double()
    found = attention_saliency(lambda steps: pooler(steps, **laid.given), pooler, laid.view())
    return by_sequence(layout, [len(one) for one in x], found)


def hidden(layout: str, x: Answers) -> Answers:
    torch.manual_seed(0)
    lstm, lengths = nn.LSTM(3, 2, bidirectional=True).double(), [len(one) for one in x]
    seq = LAYOUTS[layout](x).view()
    found = hidden_gradient_norms(lstm, lambda h: BiConcatPooler()(h, lengths=lengths).sum(1), seq)
    return by_sequence(layout, lengths, found)


def words(layout: str, x: Answers) -> Answers:
    laid = LAYOUTS[layout](x)
    found = word_importance(lambda steps: MaskedSumPooler()(steps, **laid.given).sum(1), laid.view(), window=2)
    return by_sequence(layout, [len(one) for one in x], found)


def buckets(layout: str, x: Answers) -> Answers:
    seq = LAYOUTS[layout](x).view()
    return list(by_position(seq, seq.wrap(seq.values[..., 0]), buckets=3))


def ratio(layout: str, x: Answers) -> Answers:
    views = [LAYOUTS[layout]([one]).view() for one in x]
    return [vanishing_ratio(seq, seq.wrap(seq.values[..., 0].abs())) for seq in views]


MISTAKES: list[tuple[Callable[[Patch], None], Callable[[str, Answers], Answers], str]] = [
    (padding_has_gradient, norms, "right"),
    (packed_order_is_sorted_order, attention, "packed"),
    (backward_states_stay_reversed, hidden, "right"),
    (whole_rows_are_reversed, hidden, "right"),
    (recurrence_is_left_out, hidden, "right"),
    (largest_of_the_batch, words, "right"),
    (windows_of_the_padded_axis, words, "left"),
    (buckets_of_the_padded_axis, buckets, "right"),
    (end_of_the_padded_axis, ratio, "right"),
]


@pytest.mark.parametrize(("mistake", "function", "layout"), MISTAKES, ids=[case[0].__name__ for case in MISTAKES])
def test_a_planted_mistake_is_seen(
    mistake: Callable[[Patch], None],
    function: Callable[[str, Answers], Answers],
    layout: str,
    monkeypatch: Patch,
) -> None:
    """A batch gives what its sequences give alone, with the mistake it does not."""
    x = ragged(LENGTHS)
    alone = [answer for one in x for answer in function("right", [one])]
    close(function(layout, x), alone)
    mistake(monkeypatch)
    with pytest.raises(AssertionError):
        close(function(layout, x), alone)
