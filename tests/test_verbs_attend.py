"""`attend`: a softmax within each sequence, against `softmax` of the sequence alone."""

import pytest
import torch
from torch import Tensor

import seqpool
from seqpool import ops
from tests.layouts import LAYOUTS, cases
from tests.verb_cases import BATCHES, assert_same, lay, leaves, table


def attend(layout: str, scores: list[Tensor], rows: list[Tensor]) -> tuple[Tensor, Tensor]:
    laid = lay(layout, rows)
    seq = laid.view()
    return ops.attend(seq, ops.select(seq, lay(layout, scores).rows()), ops.select(seq, laid.rows()))


def alone(scores: Tensor, rows: Tensor) -> Tensor:
    if rows.shape[0] == 0:
        return (rows.sum() + scores.sum()).expand(scores.shape[1], rows.shape[1])
    return scores.softmax(0).T @ rows


def loop(scores: list[Tensor], rows: list[Tensor]) -> Tensor:
    return torch.stack([alone(s, x) for s, x in zip(scores, rows, strict=True)])


SKEWED = (40, *[1] * 40)
"""Padded, it would be more than 16 times as many rows."""


@pytest.mark.parametrize("heads", [1, 2])
@pytest.mark.parametrize(("layout", "lengths"), cases(*BATCHES, SKEWED))
def test_attend_is_a_softmax_within_each_sequence(layout: str, lengths: tuple[int, ...], heads: int) -> None:
    scores, rows = leaves(lengths, width=heads), leaves(lengths)
    assert_same(attend(layout, scores, rows)[0], loop(scores, rows), scores + rows)


@pytest.mark.parametrize(("layout", "lengths"), cases(*BATCHES))
def test_weights_lie_where_the_rows_lie(layout: str, lengths: tuple[int, ...]) -> None:
    """Exactly 0 on padding, and the softmax of its own sequence on each real row."""
    scores = leaves(lengths, width=2)
    _, weights = attend(layout, scores, leaves(lengths))
    seq = lay(layout, leaves(lengths)).view()
    assert torch.equal(ops.softmax(seq, ops.select(seq, lay(layout, scores).rows())), weights)
    wanted = lay(layout, [x.softmax(0) if x.shape[0] else x for x in scores]).rows()
    torch.testing.assert_close(weights, wanted.nan_to_num(0.0))
    assert torch.equal(weights == 0, wanted.isnan())


@pytest.mark.parametrize("level", [-1e4, -200.0, 0.0, 200.0, 1e4])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_level_of_the_scores_does_not_matter(layout: str, dtype: torch.dtype, level: float) -> None:
    """Zeroed padding scores 0: far above real scores of -1e4, where its exponential overflows."""
    scores = [(x.detach() + level).requires_grad_() for x in leaves([4, 2, 1], width=1, dtype=dtype)]
    rows = leaves([4, 2, 1], dtype=dtype)
    assert_same(attend(layout, scores, rows)[0], loop(scores, rows), scores + rows)


@pytest.mark.parametrize("weight", [-1e3, -1.0, 1.0, 1e3])
def test_a_large_score_weight_has_finite_gradients(weight: float) -> None:
    pooler = seqpool.AttentionPooler(1)
    with torch.no_grad():
        pooler.score.weight.fill_(weight)
    x = torch.tensor([[[200.0], [201.0], [7.0]], [[150.0], [9.0], [9.0]]], requires_grad=True)
    pooler(x, lengths=[2, 1]).sum().backward()
    assert x.grad is not None
    assert x.grad.isfinite().all()
    assert pooler.score.weight.grad is not None
    assert pooler.score.weight.grad.isfinite().all()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_score_of_minus_infinity_takes_a_step_out(layout: str) -> None:
    scores = [torch.tensor([[0.0], [float("-inf")], [1.0]]), torch.zeros(2, 1)]
    rows = [torch.tensor([[1.0], [9.0], [2.0]]), torch.tensor([[3.0], [5.0]])]
    pooled, weights = attend(layout, scores, rows)
    torch.testing.assert_close(pooled.flatten(), torch.tensor([(1 + 2 * torch.e) / (1 + torch.e), 4.0]))
    assert int((weights > 0).sum()) == 4


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("poison", [float("nan"), float("inf")])
def test_a_poisoned_sequence_poisons_no_other(layout: str, poison: float) -> None:
    scores, rows = ([x.detach() for x in leaves([3, 3, 2], width=width)] for width in (1, 2))
    wanted = loop(scores, rows)
    scores[1][1] = poison
    pooled, weights = attend(layout, scores, rows)
    torch.testing.assert_close(pooled[[0, 2]], wanted[[0, 2]])
    assert pooled[1].isnan().all()
    assert int(weights.isnan().sum()) == 3


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_types_accumulate_in_float32(layout: str, dtype: torch.dtype) -> None:
    scores, rows = leaves([3000, 5], width=1, dtype=dtype), leaves([3000, 5], width=2, dtype=dtype)
    pooled, weights = attend(layout, scores, rows)
    assert pooled.dtype == weights.dtype == torch.float32
    wanted = loop([s.double() for s in scores], [x.double() for x in rows]).float()
    torch.testing.assert_close(pooled, wanted)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_attend_differentiates_twice(layout: str) -> None:
    laid = lay(layout, leaves([3, 2, 1], width=2))
    seq = laid.view()
    scores, rows = table(lay(layout, leaves([3, 2, 1], width=2))), table(laid)
    assert torch.autograd.gradcheck(lambda s, x: ops.attend(seq, s, x), (scores, rows), fast_mode=True)
    assert torch.autograd.gradgradcheck(lambda s, x: ops.attend(seq, s, x), (scores, rows), fast_mode=True)
