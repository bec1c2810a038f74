"""What the assertions of `seqpool.testing` refuse to judge, and why."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from seqpool import MaskedMeanPooler
from seqpool.testing import (
    assert_batch_invariant,
    assert_empty_is_finite,
    assert_no_padding_gradient,
    assert_padding_invariant,
)
from tests.refusal import Refusal


def mean(x: Tensor, lengths: Tensor) -> Tensor:
    pooled: Tensor = MaskedMeanPooler()(x, lengths=lengths)
    return pooled


X, N = torch.randn(3, 7, 4), [7, 5, 3]
ODD: Any = {"list": [[1]], "takes": "masks", "sides": ("top",), "lengths": [1.0, 0.5, 0.2]}


def both(x: Tensor, n: Tensor) -> Any:
    return x, n


def dropped(x: Tensor, n: Tensor) -> Tensor:
    return F.dropout(mean(x, n))


def total(x: Tensor, n: Tensor) -> Tensor:
    return x.sum(1)


def refusal(check: Any, args: tuple[Any, ...], error: type[Exception], *texts: str, **options: Any) -> Refusal:
    return Refusal(lambda: check(*args, **options), error, *texts)


PAD, MATES, GRAD, EMPTY = (
    assert_padding_invariant,
    assert_batch_invariant,
    assert_no_padding_gradient,
    assert_empty_is_finite,
)
IDS = torch.tensor([[1, 1], [1, 0]])
REFUSALS = {
    "rows": refusal(PAD, (mean, X[0, 0], N), ValueError, "(B, T, ...)", "(4,)", "wrapper"),
    "list": refusal(PAD, (mean, ODD["list"], N), ValueError, "Tensor", "a list", "wrapper"),
    "bool": refusal(PAD, (mean, X > 0, N), TypeError, "integer ids", "torch.bool", "convert"),
    "count": refusal(PAD, (mean, X, [7, 5]), ValueError, "3 whole", "(2,)", "a row of x"),
    "share": refusal(PAD, (mean, X, ODD["lengths"]), ValueError, "whole numbers", "float32", "real steps"),
    "long": refusal(MATES, (mean, X, [8, 5, 3]), ValueError, "T=7", "[8, 5, 3]", "right-padded"),
    "none": refusal(MATES, (mean, X, [0, 0, 0]), ValueError, "real step", "[0, 0, 0]", "right-padded"),
    "alone": refusal(MATES, (mean, X[:1], [7]), ValueError, "two sequences", "1 came", "mates"),
    "takes": refusal(EMPTY, (mean, X, N), ValueError, "'lengths' or 'mask'", "'masks'", "name", takes=ODD["takes"]),
    "rtol": refusal(EMPTY, (mean, X, N), ValueError, "together", "rtol=1.0", "both", rtol=1.0),
    "left": refusal(PAD, (mean, X, N), ValueError, "lengths", "'left'", "takes='mask'", sides=("left",)),
    "sides": refusal(PAD, (mean, X, N), ValueError, "'right' and 'left'", "top", "name", sides=ODD["sides"]),
    "dropout": refusal(PAD, (dropped, X, N), ValueError, "one result", "differed by", "eval()"),
    "tuple": refusal(PAD, (both, X, N), TypeError, "a Tensor", "tuple", "wrap"),
    "one id": refusal(PAD, (total, IDS, [2, 1]), ValueError, "two different ids", "[1]", "add"),
    "bare": refusal(GRAD, (total, IDS, [2, 2]), TypeError, "nn.Module", "a function", "embedded"),
    "no graph": refusal(
        GRAD, (torch.no_grad()(mean), X, N), ValueError, "differentiable", "without a graph", "no_grad"
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals(name: str) -> None:
    REFUSALS[name].check()
