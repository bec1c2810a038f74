"""What each assertion catches in the models that people write, and that it lets the right ones pass."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import nn

from seqpool.testing import (
    assert_batch_invariant,
    assert_empty_is_finite,
    assert_no_padding_gradient,
    assert_padding_invariant,
    assert_pools_correctly,
)
from seqpool.testing.trial import Takes
from tests import offenders as o

CHECKS: dict[str, Callable[..., None]] = {
    "padding": assert_padding_invariant,
    "batch": assert_batch_invariant,
    "gradient": assert_no_padding_gradient,
    "empty": assert_empty_is_finite,
}
LENGTHS = [7, 5, 3, 6]


@dataclass(frozen=True)
class Case:
    """A model and the part of each message that names its fault; an assertion without a part must pass."""

    name: str
    model: Callable[[], Any]
    faults: dict[str, str]
    takes: Takes = "lengths"
    ids: bool = False


def rnn(name: str, read: o.Head, faults: dict[str, str], *, packed: bool, bidirectional: bool = False) -> Case:
    return Case(name, lambda: o.RNNClassifier(read, packed=packed, bidirectional=bidirectional), faults, ids=True)


READS = {"padding": "the model reads padding", "gradient": "to padding step 7", "empty": "padding is read"}
OVER = {"padding": "an RNN that ran over padding", "gradient": "moved the gradient of a parameter"}
OFFENDERS = [
    Case("mean over T", lambda: o.mean_over_steps, READS),
    Case("[:, -1]", lambda: o.last_of_steps, READS | {"padding": "the last column alone is read"}),
    Case("off by one", lambda: o.one_too_far, READS | {"padding": "step 5, the first of the padding, is read"}),
    Case("(x * mask).sum(1) / T", lambda: o.sum_over_t, {"padding": "divided by T"}),
    Case("unclamped mean", lambda: o.unclamped_mean, {"empty": "is nan when it was emptied"}),
    Case("0/0 behind a where", o.NaNGradient, {"empty": "send nan into a gradient of shape (6,)"}),
    Case("maximum of -1e9", lambda: o.filled_maximum, {"empty": "is 1e+09 in size when it was emptied"}),
    Case("maximum of -inf", lambda: o.infinite_maximum, {"empty": "is -inf when it was emptied"}),
    Case("softmax of -1e9", lambda: o.filled_attention, {"empty": "a softmax over equal fills"}),
    Case("softmax of -inf", lambda: o.infinite_attention, {"empty": "is nan when it was emptied"}),
    Case("gradient through zero", lambda: o.cancelled, {"gradient": "to padding step 7"}),
    Case("rows centred", lambda: o.centred_mean, {"batch": "its mates changed", "empty": "when row 3 was emptied"}),
    Case("drops empties", lambda: o.drops_empties, {"empty": "shape (3, 6) for 4 sequences of lengths [7, 5, 3, 0]"}),
    Case(
        "sorted", o.SortedRNN, {"batch": "sorted by length and never put back", "empty": "refused lengths [7, 5, 3, 0]"}
    ),
    Case("BatchNorm", lambda: o.NormalisedMean().train(), {"batch": "BatchNorm", "empty": "when row 3 was emptied"}),
    Case("[:, 0]", lambda: o.first_of_mask, {"padding": "[:, 0]", "empty": "padding is read"}, "mask"),
    Case(
        "mask.sum(1) - 1", lambda: o.lengths_of_mask, {"padding": "(length 3 of 7)", "empty": "padding is read"}, "mask"
    ),
    Case("left positions", lambda: o.positions_from_the_left, {"padding": "positions counted from the left"}, "mask"),
    Case("no key_padding_mask", lambda: o.Encoder(masked=False), OVER, "mask", ids=True),
    rnn("output[:, -1], over padding", o.last_column, OVER, packed=False),
    rnn("output[:, -1], packed", o.last_column, {"padding": "counted from the right edge"}, packed=True),
    rnn("output[:, -1], both ways", o.last_column, OVER, packed=False, bidirectional=True),
    rnn("h_n[-1], over padding", o.last_state, OVER, packed=False),
    rnn("h_n[-1], both ways, over padding", o.last_state, OVER, packed=False, bidirectional=True),
    rnn("own ends, both ways, over padding", o.own_ends, OVER, packed=False, bidirectional=True),
    rnn("h_n reshaped", o.states_reshaped, {"batch": "h_n.view(B, -1)", "empty": "when row 3 was"}, packed=True),
]
RIGHT = [
    Case("masked mean", lambda: o.masked_mean, {}),
    Case("multiplied mean", lambda: o.multiplied_mean, {}),
    Case("own first", lambda: o.own_first, {}, "mask"),
    Case("BatchNorm, eval", o.NormalisedMean, {}),
    Case("key_padding_mask", lambda: o.Encoder(masked=True), {}, "mask", ids=True),
    rnn("own last step, over padding", o.own_last_step, {}, packed=False),
    rnn("own last step, packed", o.own_last_step, {}, packed=True),
    rnn("h_n[-1], packed", o.last_state, {}, packed=True),
    rnn("both last states, packed", o.both_last_states, {}, packed=True, bidirectional=True),
    rnn("own ends, packed", o.own_ends, {}, packed=True, bidirectional=True),
]
# Wrong in another way: each is a function of the real steps alone, so nothing here can tell.
UNSEEN = [
    rnn("h_n[-1], both ways: the backward half alone", o.last_state, {}, packed=True, bidirectional=True),
    rnn("last step, both ways: one word of the backward half", o.own_last_step, {}, packed=True, bidirectional=True),
    rnn("two layers for two directions", o.both_last_states, {}, packed=True),
]


def build(case: Case) -> tuple[Any, torch.Tensor]:
    model = case.model()
    x = torch.randint(20, (4, 7)) if case.ids else torch.randn(4, 7, o.WIDTH)
    if isinstance(model, o.RNNClassifier):
        model(x, torch.tensor(LENGTHS))
    return model if not isinstance(model, nn.Module) or case.name == "BatchNorm" else model.eval(), x


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("case", [*OFFENDERS, *RIGHT, *UNSEEN], ids=lambda case: case.name)
def test_each_assertion_catches_its_faults_and_no_others(case: Case, check: str) -> None:
    model, x = build(case)
    if check not in case.faults:
        CHECKS[check](model, x, LENGTHS, takes=case.takes)
        return
    with pytest.raises(AssertionError) as caught:
        CHECKS[check](model, x, LENGTHS, takes=case.takes)
    assert case.faults[check] in str(caught.value)


@pytest.mark.parametrize("case", OFFENDERS, ids=lambda case: case.name)
def test_all_checks_at_once_report_every_fault(case: Case) -> None:
    model, x = build(case)
    with pytest.raises(AssertionError, match=rf"^{len(case.faults)} of 4 checks failed:\n- ") as caught:
        assert_pools_correctly(model, x, LENGTHS, takes=case.takes)
    assert all(fault in str(caught.value) for fault in case.faults.values())


@pytest.mark.parametrize("case", RIGHT, ids=lambda case: case.name)
def test_all_checks_at_once_pass_what_is_right(case: Case) -> None:
    model, x = build(case)
    assert_pools_correctly(model, x, LENGTHS, takes=case.takes)
