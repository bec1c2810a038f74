"""Refusals of states that do not belong to the output, or that a pooler cannot do without."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_sequence

import seqpool
from tests.refusal import Refusal

MEAN = seqpool.MaskedMeanPooler()
POOLERS = {
    "mean": MEAN,
    "max": seqpool.MaskedMaxPooler(),
    "last": seqpool.LastPooler(),
    "last hidden": seqpool.LastHiddenPooler(),
    "attention": seqpool.AttentionPooler(6),
    "layers": seqpool.LayerConcatPooler(1),
    "concat": seqpool.ConcatPooler(MEAN, seqpool.LastPooler()),
}


def padded(batch: int = 4, steps: int = 7, width: int = 6) -> Tensor:
    return torch.zeros(batch, steps, width)


@pytest.mark.parametrize("pooler", POOLERS)
def test_h_n_of_another_batch_is_taken_for_time_major(pooler: str) -> None:
    Refusal(
        lambda: POOLERS[pooler](torch.zeros(7, 4, 6), torch.zeros(1, 4, 6)), ValueError,
        "h_n must hold the output's batch of 7", "a batch of 4 came (shape (1, 4, 6))", "batch_first=False",
    ).check()  # fmt: skip  # a table
    assert POOLERS[pooler](torch.zeros(7, 4, 6), torch.zeros(1, 4, 6), batch_first=False).shape[0] == 4


LAYOUTS: dict[str, Callable[[], tuple[Any, dict[str, Any]]]] = {
    "padded": lambda: (padded(2), {"lengths": [3, 1]}),
    "masked": lambda: (padded(2), {"mask": torch.ones(2, 7)}),
    "flat": lambda: (torch.zeros(4, 6), {"offsets": [0, 3, 4]}),
    "jagged": lambda: (torch.nested.nested_tensor([torch.zeros(3, 6), torch.zeros(1, 6)], layout=torch.jagged), {}),
    "packed": lambda: (pack_sequence([torch.zeros(1, 6), torch.zeros(3, 6)], enforce_sorted=False), {}),
    "packed, sorted": lambda: (pack_sequence([torch.zeros(3, 6), torch.zeros(1, 6)]), {}),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("width", [6, 3])
def test_h_n_of_another_batch_in_every_layout(layout: str, batch: int, width: int) -> None:
    output, given = LAYOUTS[layout]()
    Refusal(
        lambda: MEAN(output, torch.zeros(2, batch, width), **given), ValueError, "output's batch of 2",
        f"a batch of {batch} came", "batch_first=False",
    ).check()  # fmt: skip  # a table


def states(h_n: Any, needed: str, came: str, cure: str, *, error: type[Exception] = ValueError) -> Refusal:
    return Refusal(lambda: MEAN(padded(), h_n), error, needed, came, cure)


OUTSIDE = "h_n must be a Tensor or the LSTM's (h_n, c_n)"
STATES = {
    "width": states(torch.zeros(2, 4, 4), "as wide as output (6), or half as wide", "width 4 came", "drop h_n"),
    "twice the width": states(torch.zeros(1, 4, 12), "as wide as output (6)", "width 12 came", "drop h_n"),
    "odd states": states(torch.zeros(3, 4, 3), "two states a layer", "3 came (shape (3, 4, 3))", "as the RNN returned"),
    "one axis less": states(torch.zeros(4, 6), "shape (L*dirs, B, H)", "(4, 6) came", "as the RNN returned it"),
    "batch of c_n": states(
        (torch.zeros(1, 4, 6), torch.zeros(1, 3, 6)), "c_n must have h_n's layers and batch (1, 4)", "(1, 3, 6) came",
        "as the LSTM returned",
    ),
    "axes of c_n": states(
        (torch.zeros(1, 4, 6), torch.zeros(4, 6)), "c_n must have h_n's layers and batch (1, 4)", "(4, 6) came",
        "as the LSTM returned",
    ),
    "list of one": states([torch.zeros(1, 4, 6)], OUTSIDE, "a list of 1 came", "as the RNN returned", error=TypeError),
    "three": states((padded(), padded(), padded()), OUTSIDE, "a tuple of 3", "as the RNN returned", error=TypeError),
    "array": states(padded().numpy(), OUTSIDE, "a ndarray came", "as the RNN returned it", error=TypeError),
}  # fmt: skip  # a table


@pytest.mark.parametrize("name", STATES)
def test_states_that_belong_to_another_output(name: str) -> None:
    STATES[name].check()


def uni(**kind: Any) -> Any:
    return nn.LSTM(3, 6, batch_first=True, **kind)(torch.zeros(4, 7, 3))


NEEDS = {
    "layers": Refusal(
        lambda: seqpool.LayerConcatPooler(2)(padded()), ValueError, "LayerConcatPooler needs h_n", "none came",
        "pooler(*rnn(x))",
    ),
    "mix": Refusal(
        lambda: seqpool.ScalarMixPooler(2)(padded()), ValueError, "ScalarMixPooler needs h_n", "none came",
        "pooler(*rnn(x))",
    ),
    "cell": Refusal(
        lambda: seqpool.CellStatePooler()(padded()), ValueError, "CellStatePooler needs c_n", "none came", "(h_n, c_n)"
    ),
    "cell, h_n alone": Refusal(
        lambda: seqpool.CellStatePooler()(padded(), torch.zeros(1, 4, 6)), ValueError, "needs c_n", "none came",
        "pass the LSTM's (h_n, c_n) as h_n",
    ),
    "concat": Refusal(
        lambda: seqpool.ConcatPooler(MEAN, seqpool.ScalarMixPooler(2))(padded()), ValueError,
        "ScalarMixPooler needs h_n", "none came", "pooler(*rnn(x))",
    ),
    "layers, another number": Refusal(
        lambda: seqpool.LayerConcatPooler(2)(*uni(num_layers=3)), ValueError, "h_n must hold 2 layers",
        "3 states came from a unidirectional RNN", "set num_layers",
    ),
    "mix, another number": Refusal(
        lambda: seqpool.ScalarMixPooler(1)(*uni(num_layers=2)), ValueError, "h_n must hold 1 layers",
        "2 states came from a unidirectional RNN", "set num_layers",
    ),
    "mix, both directions": Refusal(
        lambda: seqpool.ScalarMixPooler(3)(*uni(num_layers=2, bidirectional=True)), ValueError,
        "h_n must hold 3 layers", "4 states came from a bidirectional RNN", "set num_layers",
    ),
    "cell behind a projection": Refusal(
        lambda: seqpool.CellStatePooler()(padded(width=2), (torch.zeros(1, 4, 2), torch.zeros(1, 4, 6))), ValueError,
        "c_n must be 2 wide", "6 came", "CellStatePooler(cell_features=6)",
    ),
    "cell, another width": Refusal(
        lambda: seqpool.CellStatePooler(cell_features=5)(*uni()), ValueError, "c_n must be 5 wide", "6 came",
        "cell_features=6",
    ),
}  # fmt: skip  # a table


@pytest.mark.parametrize("name", NEEDS)
def test_a_pooler_says_what_it_needs(name: str) -> None:
    NEEDS[name].check()
