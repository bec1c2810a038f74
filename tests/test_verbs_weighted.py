"""`weighted`: sums of weighted steps, in one pass over the real rows and in one dense product."""

import pytest
import torch
from torch import Tensor

from seqpool import ops
from seqpool.ops import segment
from tests.layouts import LAYOUTS, cases
from tests.verb_cases import BAGS, BATCHES, TWICE, assert_same, assert_twice_same, force_bags, lay, leaves


@pytest.fixture(params=[*BAGS, "dense"], autouse=True)
def form(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "dense":
        monkeypatch.setattr(segment, "on_host", lambda _: False)
    else:
        force_bags(monkeypatch, request.param)


def weighted(layout: str, ragged: list[Tensor], weights: list[Tensor]) -> Tensor:
    laid = lay(layout, ragged)
    seq = laid.view()
    return ops.weighted(seq, ops.select(seq, lay(layout, weights).rows()), laid.rows())


def loop(ragged: list[Tensor], weights: list[Tensor]) -> Tensor:
    return torch.stack([w.squeeze(1) @ x for w, x in zip(weights, ragged, strict=True)])


@pytest.mark.parametrize(("layout", "lengths"), cases(*BATCHES, [4, 4]))
def test_values_and_gradients_are_each_sequences_own(layout: str, lengths: tuple[int, ...]) -> None:
    ragged, weights = leaves(lengths), leaves(lengths, width=1)
    assert_same(weighted(layout, ragged, weights), loop(ragged, weights), [*ragged, *weights])


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_types_sum_in_float32(layout: str, dtype: torch.dtype) -> None:
    counts = [4096, 4, 3]
    ragged = [torch.ones(n, 1, dtype=dtype, requires_grad=True) for n in counts]
    weights = [torch.full((n, 1), 0.5, requires_grad=True) for n in counts]
    pooled = weighted(layout, ragged, weights)
    assert pooled.dtype == torch.float32
    assert pooled.flatten().tolist() == [n / 2 for n in counts]
    of_rows, of_weights = torch.autograd.grad(pooled.sum(), [ragged[0], weights[0]])
    assert of_rows.dtype == dtype
    assert bool((of_rows == 0.5).all())
    assert bool((of_weights == 1).all())


@pytest.mark.parametrize("layout", TWICE)
def test_second_derivatives_are_each_sequences_own(layout: str) -> None:
    ragged, weights = leaves([3, 2, 1]), leaves([3, 2, 1], width=1)
    assert_twice_same(weighted(layout, ragged, weights), loop(ragged, weights), [*ragged, *weights])


@pytest.mark.parametrize("layout", ["right", "time_major", "holes", "flat", "packed"])
def test_rows_apart_in_memory(layout: str) -> None:
    laid = lay(layout, leaves([3, 2, 1]))
    apart = torch.stack([laid.rows().detach()] * 2, -1)[..., 0]
    seq, weights = laid.view(), ops.select(laid.view(), lay(layout, leaves([3, 2, 1], width=1)).rows())
    assert not apart.is_contiguous()
    torch.testing.assert_close(ops.weighted(seq, weights, apart), ops.weighted(seq, weights, laid.rows()))
