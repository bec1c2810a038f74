"""The numbers of sentence-transformers' pooling tests, and its `Pooling` beside ours on random ones.

Source: huggingface/sentence-transformers, tests/sentence_transformer/modules/test_pooling.py.
"""

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from seqpool.poolers.base import Pooler
from seqpool.poolers.concat import ConcatPooler
from seqpool.poolers.ends import FirstPooler, LastPooler
from seqpool.poolers.positional import PositionWeightedMeanPooler
from seqpool.poolers.reductions import MaskedMaxPooler, MaskedMeanPooler
from seqpool.poolers.scaled import MeanSqrtLengthPooler
from seqpool.poolers.tokens import skip_first

X = torch.tensor(
    [
        [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [99.0, 99.0]],
        [[10.0, 20.0], [30.0, 40.0], [50.0, 60.0], [70.0, 80.0]],
    ]
)
MASK = torch.tensor([[1, 1, 1, 0], [1, 1, 1, 1]])
ROOTS = torch.tensor([[3.0], [4.0]]).sqrt()

MODES: dict[str, Pooler] = {
    "cls": FirstPooler(),
    "max": MaskedMaxPooler(),
    "mean": MaskedMeanPooler(),
    "mean_sqrt_len_tokens": MeanSqrtLengthPooler(),
    "weightedmean": PositionWeightedMeanPooler(),
    "lasttoken": LastPooler(),
}
WANT = {
    "cls": torch.tensor([[1.0, 2.0], [10.0, 20.0]]),
    "max": torch.tensor([[5.0, 6.0], [70.0, 80.0]]),
    "mean": torch.tensor([[3.0, 4.0], [40.0, 50.0]]),
    "mean_sqrt_len_tokens": torch.tensor([[9.0, 12.0], [160.0, 200.0]]) / ROOTS,
    "weightedmean": torch.tensor([[22 / 6, 28 / 6], [50.0, 60.0]]),
    "lasttoken": torch.tensor([[5.0, 6.0], [70.0, 80.0]]),
}
every_mode = pytest.mark.parametrize("mode", MODES)


@every_mode
def test_their_table_padded_and_flattened(mode: str) -> None:
    torch.testing.assert_close(MODES[mode](X, mask=MASK), WANT[mode])
    torch.testing.assert_close(MODES[mode](X[MASK.bool()], offsets=[0, 3, 7]), WANT[mode])


def test_their_modes_side_by_side() -> None:
    together = ConcatPooler(*MODES.values())(X, mask=MASK)
    torch.testing.assert_close(together, torch.cat(list(WANT.values()), 1))


@pytest.mark.parametrize(
    ("mode", "want"),
    [
        ("max", torch.tensor([[5.0, 6.0], [70.0, 80.0]])),
        ("mean", torch.tensor([[4.0, 5.0], [50.0, 60.0]])),
        ("mean_sqrt_len_tokens", torch.tensor([[8.0, 10.0], [150.0, 180.0]]) / torch.tensor([[2.0], [3.0]]).sqrt()),
        ("lasttoken", torch.tensor([[5.0, 6.0], [70.0, 80.0]])),
        # Theirs, (21/5, 26/5) and (490/9, 580/9), gives the first token after the prompt weight 2: its column counts,
        # here its place among the tokens that are left does.
        ("weightedmean", torch.tensor([[13 / 3, 16 / 3], [340 / 6, 400 / 6]])),
    ],
)
def test_their_table_without_the_prompt(mode: str, want: Tensor) -> None:
    torch.testing.assert_close(MODES[mode](X, mask=skip_first(MASK, 1)), want)


@pytest.mark.parametrize(
    ("mask", "want"),
    [([[1, 1, 1, 0], [1, 1, 0, 0]], [1.0, 5.0]), ([[0, 0, 1, 1], [0, 1, 1, 1]], [3.0, 6.0])],
    ids=["right", "left"],
)
def test_the_first_token_on_either_side_of_padding(mask: list[list[int]], want: list[float]) -> None:
    x = torch.arange(1.0, 9.0).view(2, 4, 1)
    assert FirstPooler()(x, mask=torch.tensor(mask)).flatten().tolist() == want


def test_the_largest_number_is_masked() -> None:
    x = torch.tensor([[[1.0], [3.0], [5.0], [10.0]]])
    assert MaskedMaxPooler()(x, mask=torch.tensor([[1, 1, 1, 0]])).item() == 5.0


def test_mean_beside_mean_over_the_root_of_the_length() -> None:
    pooled = ConcatPooler(MaskedMeanPooler(), MeanSqrtLengthPooler())(
        torch.tensor([[[1.0], [3.0], [5.0]]]), mask=torch.tensor([[1, 1, 0]])
    )
    torch.testing.assert_close(pooled, torch.tensor([[2.0, 4 / math.sqrt(2)]]))


def test_weighted_mean_of_two_of_three() -> None:
    pooled = PositionWeightedMeanPooler()(torch.tensor([[[1.0], [3.0], [10.0]]]), mask=torch.tensor([[1, 1, 0]]))
    torch.testing.assert_close(pooled, torch.tensor([[7 / 3]]))


def test_the_last_attended_token() -> None:
    x = torch.tensor([[[0.0], [1.0], [2.0], [3.0]], [[5.0], [6.0], [7.0], [8.0]]])
    assert LastPooler()(x, mask=torch.tensor([[1, 1, 1, 0], [1, 1, 0, 0]])).flatten().tolist() == [2.0, 6.0]
    assert not LastPooler()(torch.ones(1, 4, 2), mask=torch.zeros(1, 4, dtype=torch.int64)).any()


def peer() -> Any:
    name = "sentence_transformers.sentence_transformer.modules.pooling"
    return pytest.importorskip(name, reason="sentence-transformers is not installed")


RIGHT = torch.arange(6) < torch.tensor([6, 1, 4])[:, None]
# Left padding moves the columns by which their weighted mean weighs; test_peers.py has that.
SIDES = [(mode, mask) for mode in MODES for mask in (RIGHT, RIGHT.flip(1)) if mode != "weightedmean" or mask is RIGHT]


@pytest.mark.parametrize(("mode", "mask"), SIDES)
def test_pooling_agrees_with_the_library(mode: str, mask: Tensor) -> None:
    x = torch.randn(3, 6, 4, dtype=torch.float64, requires_grad=True)
    features = {"token_embeddings": x, "attention_mask": mask.long()}
    theirs = peer().Pooling(4, mode)(features)["sentence_embedding"]
    mine = MODES[mode](x, mask=mask)
    torch.testing.assert_close(mine, theirs)
    cotangent = torch.randn_like(mine)
    torch.testing.assert_close(torch.autograd.grad(mine, x, cotangent), torch.autograd.grad(theirs, x, cotangent))


def test_all_modes_of_the_library_at_once() -> None:
    x = torch.randn(3, 6, 4)
    assert set(peer().Pooling.POOLING_MODES) == set(MODES), "a mode came or went"
    theirs = peer().Pooling(4, tuple(MODES))({"token_embeddings": x, "attention_mask": RIGHT.long()})
    torch.testing.assert_close(ConcatPooler(*MODES.values())(x, mask=RIGHT), theirs["sentence_embedding"])
