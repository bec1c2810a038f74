"""Refusals of poolers that cannot be built, or not over this width."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

import seqpool
from tests.refusal import Refusal

# Any: these calls are wrong on purpose.
concat: Any = seqpool.ConcatPooler
merged: Any = seqpool.BiMergePooler
hidden: Any = seqpool.LastHiddenPooler


def odd(pooler: nn.Module) -> Refusal:
    return value(lambda: pooler(torch.zeros(2, 3, 5)), "even width", "5 came", "one direction?")


def value(build: Callable[[], object], needed: str, came: str, cure: str) -> Refusal:
    return Refusal(build, ValueError, needed, came, cure)


def kind(build: Callable[[], object], came: str) -> Refusal:
    return Refusal(build, TypeError, "ConcatPooler takes poolers", came, "pass them one by one")


LAYERS = "num_layers must be at least 1"
WIDTH = "in_features must be at least 1"
UNSTACKED = "as the RNN returned it"
BUILDS = {
    "odd width": odd(seqpool.BiConcatPooler()),
    "odd width, merged": odd(seqpool.BiMergePooler()),
    "odd width, one direction": odd(seqpool.LastHiddenPooler(direction="forward")),
    "odd width, asked": value(
        lambda: seqpool.BiConcatPooler().out_features(7), "even width", "7 came", "one direction?"
    ),
    "no layers": value(lambda: seqpool.LayerConcatPooler(0), LAYERS, "0 came", "as the RNN's"),
    "no layers to mix": value(lambda: seqpool.ScalarMixPooler(-2), LAYERS, "-2 came", "as the RNN's"),
    "no poolers": value(lambda: concat(), "at least one pooler", "none came", "ConcatPooler(LastPooler(), ...)"),
    "no pooler": kind(lambda: concat(seqpool.LastPooler(), nn.Linear(1, 1)), "a Linear came"),
    "a list": kind(lambda: concat([seqpool.LastPooler()]), "a list came"),
    "a class": kind(lambda: concat(seqpool.LastPooler), "came"),
    "merge": value(lambda: merged(merge="avg"), "merge must be", "'avg' came", "one of sum, mean, max, mul"),
    "direction": value(
        lambda: hidden(direction="left"), "direction must be", "'left' came", "'forward', 'backward' or None"
    ),
    "cell_features": value(
        lambda: seqpool.CellStatePooler(cell_features=0), "cell_features must be at least 1", "0 came",
        "hidden_size x directions",
    ),
    "hidden_features": value(
        lambda: seqpool.AdditiveAttentionPooler(4, hidden_features=0), "hidden_features must be at least 1", "0 came",
        "leave it out for in_features",
    ),
    "in_features": value(lambda: seqpool.AttentionPooler(0), WIDTH, "0 came", "width of output"),
    "in_features, additive": value(lambda: seqpool.AdditiveAttentionPooler(-1), WIDTH, "-1 came", "width of output"),
    "unstack, odd": value(
        lambda: seqpool.unstack_h_n(torch.zeros(3, 2, 5)), "h_n must have shape (L*2, B, H)", "(3, 2, 5) came",
        "bidirectional as the RNN was built",
    ),
    "unstack, two axes": value(
        lambda: seqpool.unstack_h_n(torch.zeros(2, 5), bidirectional=False), "(L*1, B, H)", "(2, 5) came", UNSTACKED
    ),
}  # fmt: skip  # a table


@pytest.mark.parametrize("name", BUILDS)
def test_poolers_that_cannot_be(name: str) -> None:
    BUILDS[name].check()
