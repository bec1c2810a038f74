"""`compact`: the real rows laid flat on the host, and what a graph gets."""

import pytest
import torch

import seqpool
from seqpool import ops
from seqpool.ops import slices
from tests.layouts import LAYOUTS, cases
from tests.verb_cases import BATCHES, TWICE, gradients, lay, leaves


@pytest.mark.parametrize(("layout", "lengths"), cases(*BATCHES, [4, 4]))
def test_real_rows_one_sequence_after_the_other(layout: str, lengths: tuple[int, ...]) -> None:
    ragged = leaves(lengths)
    laid = lay(layout, ragged)
    seq = laid.view()
    flat = ops.compact(seq)
    if seq.valid() is None or slices.table(seq.values) is None or 0 in seq.values.shape:
        assert flat is seq
        return
    assert flat.valid() is None
    assert flat.keep is None
    assert flat.count.tolist() == flat.lengths.tolist() == list(lengths)
    cotangent = torch.randn_like(flat.values)
    parts = torch.split(cotangent, list(lengths))
    torch.testing.assert_close(flat.values, torch.cat(ragged), rtol=0, atol=0)
    for mine, theirs in zip(gradients(flat.values, ragged, cotangent), parts, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=0)


@pytest.mark.parametrize("layout", TWICE)
def test_second_derivatives(layout: str) -> None:
    ragged = leaves([3, 2, 1])
    seq = lay(layout, ragged).view()
    summed = ops.total(ops.compact(seq), ops.compact(seq).values.sin()).sum()
    first = torch.autograd.grad(summed, ragged, create_graph=True)
    second = torch.autograd.grad(sum((g.sum() for g in first), torch.zeros(())), ragged)
    for x, g in zip(ragged, second, strict=True):
        torch.testing.assert_close(g, -x.sin())


def test_weights_come_along() -> None:
    weights = torch.tensor([[1.0, 2.0, 3.0], [7.0, 8.0, 9.0]])
    mask = torch.tensor([[True, True, True], [False, False, True]])
    seq = seqpool.view(torch.zeros(2, 3, 1), mask=mask).with_extras(weights, None)
    flat = ops.compact(seq)
    assert flat.weights is not None
    assert flat.weights.tolist() == [1, 2, 3, 9]


def test_a_transform_meets_the_rows_as_they_came() -> None:
    seq = lay("right", leaves([3, 1])).view()
    asked = torch.func.vmap(lambda _: torch.as_tensor(ops.compact(seq) is seq))
    assert asked(torch.zeros(1)).tolist() == [True]
    assert ops.compact(seq) is not seq


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_was_found_goes_back_to_its_places(layout: str) -> None:
    ragged = leaves([3, 2, 1])
    laid = lay(layout, ragged)
    seq = laid.view()
    flat = ops.compact(seq)
    back = ops.restore(seq, flat, flat.values)
    assert (back is flat.values) == (flat is seq)
    torch.testing.assert_close(ops.select(seq, back), ops.select(seq, seq.values), rtol=0, atol=0)
    valid = seq.valid()
    assert valid is None or flat is seq or not back[~valid].any()
