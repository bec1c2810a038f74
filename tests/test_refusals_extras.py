"""Weights and queries: what a pooler says when they are missing, do not fit, or are not wanted."""

from typing import Any, final

import pytest
import torch
from torch import Tensor
from torch.nn.utils.rnn import pack_sequence

import seqpool
from seqpool import ops
from seqpool.poolers.base import Pooler, settle
from tests.refusal import Refusal


@final
class Weighted(Pooler):
    """A weighted sum of the steps, moved by a query."""

    needs = ("weights", "query")

    def one(self, x: Tensor, weights: Tensor, query: Tensor) -> Tensor:
        return weights @ x + query

    def pool(self, seq: seqpool.Sequences) -> Tensor:
        weights = seq.need("weights", "Weighted").unsqueeze(-1)
        return settle(seq, ops.total(seq, ops.select(seq, seq.values) * weights) + seq.need("query", "Weighted"))


X, W, Q = torch.arange(24.0).reshape(2, 3, 4), torch.arange(6.0).reshape(2, 3), torch.ones(2, 4)
LENGTHS = [3, 1]
POOLER = Weighted()


def wrong(error: type[Exception], needed: str, came: str, cure: str, **changed: Any) -> Refusal:
    given = {"lengths": LENGTHS, "weights": W, "query": Q, **changed}
    return Refusal(lambda: POOLER(X, **given), error, needed, came, cure)


KINDS = {
    "no weights": wrong(ValueError, "Weighted needs weights", "none came", "give one number a step", weights=None),
    "no query": wrong(ValueError, "Weighted needs query", "none came", "give one vector a sequence", query=None),
    "weights, one short": wrong(
        ValueError, "one number a step, shape (2, 3)", "(2, 2) came", "in the layout of output", weights=W[:, 1:]
    ),
    "weights, transposed": wrong(
        ValueError, "one number a step, shape (2, 3)", "(3, 2) came", "in the layout of output", weights=W.T
    ),
    "weights, a feature axis": wrong(
        ValueError, "one number a step", "(2, 3, 1) came", "without a feature axis", weights=W.unsqueeze(-1)
    ),
    "weights, whole": wrong(TypeError, "must be floating point", "torch.int64 came", "convert", weights=W.long()),
    "weights, a list": wrong(TypeError, "the layout of output", "a list came", "torch.as_tensor", weights=W.tolist()),
    "weights, packed": wrong(
        ValueError, "one number a step, shape (2, 3)", "(4,) came", "in the layout of output",
        weights=pack_sequence([W[0], W[1, :1]]),
    ),
    "query, another batch": wrong(ValueError, "B = 2", "(3, 4) came", "one vector a sequence", query=torch.ones(3, 4)),
    "query, one for all": wrong(ValueError, "B = 2", "(4,) came", "one vector a sequence", query=torch.ones(4)),
    "query, a list": wrong(TypeError, "a Tensor (B, Q)", "a list came", "torch.as_tensor", query=Q.tolist()),
}  # fmt: skip  # a table


@pytest.mark.parametrize("name", KINDS)
def test_extras_that_do_not_fit(name: str) -> None:
    KINDS[name].check()


@pytest.mark.parametrize("layout", ["padded", "time-major", "flat", "packed", "jagged", "view"])
def test_extras_come_in_the_layout_of_output(layout: str) -> None:
    steps, weights = [X[0], X[1, :1]], [W[0], W[1, :1]]
    wanted = torch.stack([POOLER.one(x, w, q) for x, w, q in zip(steps, weights, Q, strict=True)])
    rows, flat = torch.cat(steps), torch.cat(weights)
    offsets = torch.tensor([0, 3, 4])
    calls: dict[str, tuple[Any, Any, dict[str, Any]]] = {
        "padded": (X, W, {"lengths": LENGTHS}),
        "time-major": (X.transpose(0, 1), W.T, {"lengths": LENGTHS, "batch_first": False}),
        "flat": (rows, flat, {"offsets": offsets}),
        "packed": (pack_sequence(steps), pack_sequence(weights), {}),
        "jagged": (
            torch.nested.nested_tensor_from_jagged(rows, offsets),
            torch.nested.nested_tensor_from_jagged(flat, offsets),
            {},
        ),
        "view": (seqpool.view(X, lengths=LENGTHS), W, {}),
    }
    output, beside, given = calls[layout]
    torch.testing.assert_close(POOLER(output, weights=beside, query=Q, **given), wanted)
