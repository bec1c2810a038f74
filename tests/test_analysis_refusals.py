"""Refusals of seqpool.analysis: what was needed, what came, and the cure."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from seqpool import AttentionPooler, ConcatPooler, MaskedMeanPooler, MaskedSumPooler, view
from seqpool.analysis import (
    attention_saliency,
    by_position,
    gradient_norms,
    gradient_saliency,
    hidden_gradient_norms,
    split_at,
    vanishing_ratio,
    word_importance,
)
from seqpool.analysis.plots import plot_positions, plot_tokens
from tests.refusal import Refusal

X = torch.ones(2, 3, 4)
SEQ = view(X, lengths=[3, 1])
POOLER = AttentionPooler(4)
EMBEDDING = nn.Embedding(5, 4)
GRU = nn.GRU(4, 2, batch_first=True)


def detached(x: Tensor) -> Tensor:
    return x.detach().mean(1)


def twice(x: Tensor) -> Tensor:
    result: Tensor = POOLER(x) + POOLER(x)
    return result


def shifted(x: Tensor) -> Tensor:
    result: Tensor = POOLER(x, lengths=[1, 3])
    return result


def network(x: Tensor) -> Tensor:
    result: Tensor = GRU(x)[0].mean(1)
    return result


def call(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Callable[[], Any]:
    return lambda: function(*args, **kwargs)


MEAN = MaskedMeanPooler()
STATES = view(*GRU(X))
REFUSALS = {
    "no_graph": Refusal(
        call(gradient_norms, detached, SEQ), ValueError, "differentiable", "without a graph", "no_grad"
    ),
    "no_graph_states": Refusal(
        call(hidden_gradient_norms, GRU, detached, SEQ), ValueError, "differentiable", "without a graph", "no_grad"
    ),
    "no_tensor": Refusal(call(gradient_norms, lambda x: (x,), SEQ), TypeError, "(B, C) or (B,)", "tuple", "wrap"),
    "scores_a_step": Refusal(call(gradient_norms, lambda x: x, SEQ), ValueError, "B = 2", "(2, 3, 4)", "reduce"),
    "one_loss": Refusal(call(gradient_norms, lambda x: x.mean(), SEQ), ValueError, "(B,) with B = 2", "()", "reduce"),
    "other_batch": Refusal(call(word_importance, lambda x: x[:1, 0], SEQ), ValueError, "B = 2", "(1, 4)", "reduce"),
    "target_of_losses": Refusal(
        call(gradient_saliency, lambda x: x.sum((1, 2)), SEQ, target=[0, 1]),
        ValueError,
        "scores (B, C)",
        "one number a sequence",
        "leave target out",
    ),
    "short_target": Refusal(
        call(gradient_saliency, MEAN, SEQ, target=[0]), ValueError, "(2,)", "shape (1,)", "indices into the scores"
    ),
    "float_target": Refusal(
        call(gradient_saliency, MEAN, SEQ, target=torch.zeros(2)), ValueError, "whole", "torch.float32", "indices"
    ),
    "states": Refusal(call(gradient_norms, MEAN, STATES), ValueError, "alone", "h_n came", "leave h_n out"),
    "states_words": Refusal(call(word_importance, MEAN, STATES), ValueError, "alone", "h_n came", "leave h_n out"),
    "no_window": Refusal(call(word_importance, MEAN, SEQ, window=0), ValueError, "at least 1", "0 came", "one step"),
    "wide_replacement": Refusal(
        call(word_importance, MEAN, SEQ, replacement=torch.ones(5)), ValueError, "(4,)", "(5,)", "one vector"
    ),
    "no_attention": Refusal(
        call(attention_saliency, MEAN, MEAN, SEQ), TypeError, "attention weights", "MaskedMean", "gradient_saliency"
    ),
    "attention_twice": Refusal(
        call(attention_saliency, twice, POOLER, SEQ), ValueError, "once", "2 times", "AttentionPooler"
    ),
    "attention_not_run": Refusal(
        call(attention_saliency, MEAN, POOLER, SEQ), ValueError, "once", "0 times", "AttentionPooler"
    ),
    "attention_elsewhere": Refusal(
        call(attention_saliency, shifted, POOLER, SEQ), ValueError, "[3, 1]", "[1, 3]", "the steps that it pools"
    ),
    "no_buckets": Refusal(call(by_position, SEQ, X[..., 0], buckets=0), ValueError, "at least 1", "0 came", "one"),
    "features": Refusal(call(by_position, SEQ, X), ValueError, "(2, 3)", "(2, 3, 4)", "layout"),
    "whole_numbers": Refusal(call(vanishing_ratio, SEQ, X[..., 0].long()), TypeError, "floating", "int64", "convert"),
    "no_network": Refusal(call(hidden_gradient_norms, MEAN, MEAN, SEQ), TypeError, "nn.RNN", "MaskedMean", "nn.GRU"),
    "other_width": Refusal(
        call(hidden_gradient_norms, nn.GRU(7, 2), MEAN, SEQ), ValueError, "7 features", "4 came", "network's input"
    ),
    "not_called": Refusal(call(split_at, MEAN, EMBEDDING, X), ValueError, "once", "0 times", "another module"),
    "tuple_out": Refusal(call(split_at, network, GRU, X), TypeError, "Tensor or PackedSequence", "tuple", "before it"),
    "no_curves": Refusal(call(plot_positions, {}), ValueError, "one (B, P)", "none came", "by_position"),
    "flat_curve": Refusal(call(plot_positions, {"a": torch.ones(3)}), ValueError, "(B, P)", "(3,)", "a row a sequence"),
    "empty_curve": Refusal(
        call(plot_positions, {"a": torch.full((2, 3), float("nan"))}), ValueError, "not empty", "none came", "'a'"
    ),
    "padded_weights": Refusal(
        call(plot_tokens, ["a", "b"], torch.ones(3)), ValueError, "(2,)", "(3,)", "cut the padding off"
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_says_what_was_needed_what_came_and_the_cure(name: str) -> None:
    REFUSALS[name].check()


def test_a_refusal_leaves_nothing_behind() -> None:
    for name in ("attention_twice", "attention_elsewhere", "tuple_out", "not_called"):
        REFUSALS[name].check()
    assert "weigh" not in vars(POOLER)
    assert not GRU._forward_hooks
    assert not EMBEDDING._forward_hooks
    inside = ConcatPooler(MaskedSumPooler(), POOLER)
    found = attention_saliency(lambda x: inside(x, lengths=[3, 1]), POOLER, SEQ)
    torch.testing.assert_close(found, torch.tensor([[1 / 3, 1 / 3, 1 / 3], [1.0, 0.0, 0.0]]))
