"""`gather`, `spread` and `select`: one row of each sequence, one vector for each row, and nothing from padding."""

import pytest
import torch

import seqpool
from seqpool import ops
from tests.layouts import LAYOUTS, cases
from tests.verb_cases import BATCHES, assert_same, lay, leaves, loop, table

PADDED = ["right", "left", "holes", "time_major", "time_major_holes", "channels_first", "narrowed"]


@pytest.mark.parametrize(("layout", "lengths"), cases(*BATCHES))
@pytest.mark.parametrize("end", ["first", "last"])
def test_gather_reads_either_end(layout: str, lengths: tuple[int, ...], end: str) -> None:
    ragged = leaves(lengths)
    laid = lay(layout, ragged)
    seq = laid.view()
    step = torch.zeros_like(seq.lengths) if end == "first" else seq.last()
    wanted = loop(lambda x: x[0 if end == "first" else -1], ragged)
    assert_same(ops.gather(seq, laid.rows(), step), wanted, ragged, exact=True)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_gather_counts_kept_steps(layout: str) -> None:
    """With holes, step k is the k-th kept step."""
    ragged = leaves([5, 3, 2])
    laid = lay(layout, ragged)
    for steps in ([1, 2, 0], [4, 0, 1], [3, 1, 1]):
        wanted = torch.stack([x[t] for x, t in zip(ragged, steps, strict=True)])
        assert_same(ops.gather(laid.view(), laid.rows(), torch.tensor(steps)), wanted, ragged, exact=True)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_gather_differentiates_twice(layout: str) -> None:
    laid = lay(layout, leaves([3, 2, 1], width=2))
    seq = laid.view()
    last = seq.last()
    assert torch.autograd.gradgradcheck(lambda rows: ops.gather(seq, rows, last).pow(3), table(laid), fast_mode=True)


@pytest.mark.parametrize("layout", ["right", "holes", "flat", "jagged", "narrowed", "time_major"])
def test_gather_from_an_empty_sequence_reads_nobody(layout: str) -> None:
    """The row at its address is a neighbour's, or padding: neither value nor gradient may pass."""
    ragged = leaves([2, 0, 3, 0])
    laid = lay(layout, ragged)
    seq = laid.view()
    pooled = ops.gather(seq, laid.rows(), seq.last())
    assert torch.equal(pooled[[1, 3]], torch.zeros(2, 3, dtype=torch.float64))
    gradients = torch.autograd.grad(pooled[[1, 3]].sum(), ragged, materialize_grads=True)
    assert all(torch.equal(gradient, torch.zeros_like(gradient)) for gradient in gradients)


@pytest.mark.parametrize(("layout", "lengths"), cases(*BATCHES))
def test_spread_gives_each_row_its_own_vector(layout: str, lengths: tuple[int, ...]) -> None:
    ragged = [torch.full((n, 1), float(b)) for b, n in enumerate(lengths)]
    laid = lay(layout, ragged)
    vectors = torch.arange(len(lengths), dtype=torch.float32).unsqueeze(1) * torch.tensor([1.0, 10.0])
    spread = ops.spread(laid.view(), vectors).expand(*laid.rows().shape[:-1], 2)
    real = ~laid.rows().isnan().any(-1)
    assert torch.equal(spread[real], laid.rows()[real] * torch.tensor([1.0, 10.0]))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_spread_and_total_are_adjoint(layout: str) -> None:
    """<total(x), v> = <x, spread(v)>, over the real rows."""
    ragged = leaves([4, 3, 1])
    laid = lay(layout, ragged)
    seq = laid.view()
    vectors = torch.randn(3, 3, dtype=torch.float64)
    rows = ops.select(seq, laid.rows())
    torch.testing.assert_close((ops.total(seq, rows) * vectors).sum(), (rows * ops.spread(seq, vectors)).sum())


@pytest.mark.parametrize("layout", PADDED)
def test_select_zeroes_padding_and_its_gradient(layout: str) -> None:
    laid = lay(layout, [torch.randn(n, 3) for n in (3, 2, 1)])
    rows = laid.rows().detach().requires_grad_()
    selected = ops.select(laid.view(), rows)
    padding = laid.rows().isnan().any(-1)
    assert padding.any()
    assert torch.equal(selected[padding], torch.zeros(int(padding.sum()), 3))
    assert torch.equal(selected[~padding], laid.rows()[~padding])
    (gradient,) = torch.autograd.grad((selected * 2).sum(), rows)
    assert torch.equal(gradient, torch.where(padding, 0.0, 2.0).unsqueeze(-1).expand_as(rows))


@pytest.mark.parametrize("layout", ["flat", "packed", "jagged"])
def test_select_leaves_full_tables_alone(layout: str) -> None:
    laid = lay(layout, [torch.randn(n, 3) for n in (3, 2, 1)])
    assert ops.select(laid.view(), laid.rows()) is laid.rows() or layout == "jagged"
    assert ops.select(laid.view(), laid.rows()).data_ptr() == laid.rows().data_ptr()


def test_select_keeps_a_half_dtype() -> None:
    x = torch.ones(1, 2, 1, dtype=torch.float16)
    assert ops.select(seqpool.view(x, lengths=[1]), x).dtype == torch.float16
