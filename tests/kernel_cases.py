"""Verbs that have kernels, and the comparison of the kernels with the reference: values, then gradients."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

import seqpool
from seqpool import ops
from seqpool.ops.choice import Backend
from tests.verb_cases import gradients, lay


def attend(seq: seqpool.Sequences, rows: Tensor, heads: int) -> Tensor:
    """Averages and the weights' squares summed, so that both send gradients."""
    rows = ops.select(seq, rows)
    scores = rows.sum(-1, keepdim=True) * torch.arange(1, heads + 1, dtype=rows.dtype)
    averages, weights = ops.attend(seq, scores, rows)
    return torch.cat([averages.flatten(1), ops.total(seq, weights.square())], 1)


Verb = Callable[[seqpool.Sequences, Tensor], Tensor]
VERBS: dict[str, Verb] = {
    "total": ops.total,
    "largest": ops.peak,
    "log_mean_exp": ops.log_mean_exp,
    "variation": lambda seq, rows: torch.cat(ops.variation(seq, rows), 1),
    "attend": lambda seq, rows: attend(seq, rows, heads=1),
    "attend, heads": lambda seq, rows: attend(seq, rows, heads=3),
    "smallest": lambda seq, rows: ops.peak(seq, rows, largest=False),
}
every_verb = pytest.mark.parametrize("verb", VERBS)


def pooled(name: Backend, verb: str, layout: str, ragged: list[Tensor]) -> list[Tensor]:
    """Values, then gradients."""
    with ops.backend(name):
        laid = lay(layout, ragged)
        values = VERBS[verb](laid.view(), laid.rows())
        weight = torch.linspace(-1, 1, values.numel(), dtype=values.dtype).reshape(values.shape)
        return [values.detach(), *gradients(values, ragged, weight)]


def check(verb: str, layout: str, ragged: list[Tensor]) -> None:
    for mine, theirs in zip(
        pooled("triton", verb, layout, ragged), pooled("reference", verb, layout, ragged), strict=True
    ):
        assert mine.dtype == theirs.dtype
        torch.testing.assert_close(mine, theirs, equal_nan=True)


def check_against_double(verb: str, layout: str, ragged: list[Tensor]) -> None:
    """Half types round results and gradients once, and weights of steps where these pass through them."""
    exact = pooled("reference", verb, layout, [x.detach().double().requires_grad_() for x in ragged])
    eps = torch.finfo(ragged[0].dtype).eps
    for mine, theirs in zip(pooled("triton", verb, layout, ragged), exact, strict=True):
        torch.testing.assert_close(mine.double(), theirs, atol=16 * eps, rtol=4 * eps)
