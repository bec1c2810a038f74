"""The one-pass form that the CPU runs equals the dense form that graphs, transforms and devices run."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

import seqpool
from seqpool import ops
from seqpool.ops import segment
from tests.layouts import LAYOUTS, cases
from tests.verb_cases import gradients, lay, leaves

Verb = Callable[[seqpool.Sequences, Tensor], Tensor]


def attend_by(seq: seqpool.Sequences, rows: Tensor) -> Tensor:
    query = torch.arange(rows.shape[-1], dtype=rows.dtype).cos() / rows.shape[-1]
    return ops.attend_by(seq, rows, query.unsqueeze(0)).flatten(1)


VERBS: dict[str, Verb] = {
    "total": ops.total,
    "largest": ops.peak,
    "smallest": lambda seq, rows: ops.peak(seq, rows, largest=False),
    "variation": lambda seq, rows: torch.cat(ops.variation(seq, rows), 1),
    "last": lambda seq, rows: ops.gather(seq, rows, seq.last()),
    "attend": lambda seq, rows: ops.attend(seq, ops.select(seq, rows)[..., :1], ops.select(seq, rows))[0].flatten(1),
    "attend_by": attend_by,
}
BATCHES = ([5, 3, 3, 1], [4, 0, 1, 0])


def nowhere(tensor: Tensor) -> bool:
    """The answer of `on_host` in a graph or on an accelerator."""
    return False


def pooled(verb: str, layout: str, ragged: list[Tensor]) -> list[Tensor]:
    """Values, then gradients."""
    laid = lay(layout, ragged)
    values = VERBS[verb](laid.view(), laid.rows())
    return [values.detach(), *gradients(values, ragged, torch.ones_like(values))]


WIDE = [("largest", 4200), ("smallest", 4200), ("variation", 16400), ("attend_by", 16400)]
"""Wide rows go by slices."""


@pytest.mark.parametrize(("verb", "width"), [*((verb, 3) for verb in VERBS), *WIDE])
@pytest.mark.parametrize(("layout", "lengths"), cases(*BATCHES))
def test_dense_equals_one_pass(
    layout: str, lengths: tuple[int, ...], verb: str, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    ragged = leaves(lengths, width=width)
    one_pass = pooled(verb, layout, ragged)
    monkeypatch.setattr(segment, "on_host", nowhere)
    dense = pooled(verb, layout, ragged)
    for mine, theirs in zip(one_pass, dense, strict=True):
        torch.testing.assert_close(mine, theirs)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_dense_half_types_sum_in_float32(layout: str, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segment, "on_host", nowhere)
    laid = lay(layout, [torch.ones(4096, 1, dtype=dtype), torch.ones(3, 1, dtype=dtype)])
    assert ops.total(laid.view(), laid.rows()).tolist() == [[4096.0], [3.0]]


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_vmap_over_tables_of_one_view(layout: str, verb: str) -> None:
    laid = lay(layout, [x.detach() for x in leaves([4, 2, 1])])
    seq = laid.view()
    tables = torch.stack([laid.rows(), laid.rows() * 2 - 1])
    mapped = torch.func.vmap(lambda rows: VERBS[verb](seq, rows))(tables)
    torch.testing.assert_close(mapped, torch.stack([VERBS[verb](seq, rows) for rows in tables]))


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_gradients_through_vmap(layout: str, verb: str) -> None:
    """Many steps are tied, and the first one takes the gradient; what `vmap` shows says of none that it needs one."""
    laid = lay(layout, [torch.randint(0, 2, (n, 3)).double() for n in (4, 2, 1)])
    seq = laid.view()
    tables = torch.stack([laid.rows(), laid.rows() * 2 - 1])
    mapped = torch.func.grad(lambda many: torch.func.vmap(lambda rows: VERBS[verb](seq, rows))(many).sum())(tables)
    each = [torch.func.grad(lambda rows: VERBS[verb](seq, rows).sum())(rows) for rows in tables]
    torch.testing.assert_close(mapped, torch.stack(each))


@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
@pytest.mark.filterwarnings("ignore:.*torch.jit.trace.*deprecated")
@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("layout", ["right", "time_major"])
def test_a_trace_is_right_for_other_lengths(layout: str, verb: str) -> None:
    laid = lay(layout, [x.detach() for x in leaves([4, 2, 1])])
    batch_first = layout == "right"

    def run(rows: Tensor, lengths: Tensor) -> Tensor:
        seq = seqpool.view(rows, lengths=lengths, batch_first=batch_first)
        return VERBS[verb](seq, rows)

    traced = torch.jit.trace(run, (laid.rows(), torch.tensor([4, 2, 1])))  # type: ignore[no-untyped-call]  # torch leaves it untyped
    other = torch.randn_like(laid.rows())
    lengths = torch.tensor([1, 3, 0])
    torch.testing.assert_close(traced(other, lengths), run(other, lengths))


@pytest.mark.parametrize("verb", ["largest", "variation"])
@pytest.mark.parametrize("layout", ["right", "holes", "flat", "packed", "time_major"])
def test_batched_gradients_of_one_pass(layout: str, verb: str) -> None:
    laid = lay(layout, [x.detach() for x in leaves([3, 2, 1], width=16400)])
    rows = laid.rows().detach().nan_to_num(0.5).requires_grad_()
    values = VERBS[verb](laid.view(), rows)
    cotangents = torch.randn(2, *values.shape, dtype=values.dtype)
    (batched,) = torch.autograd.grad(values, rows, cotangents, is_grads_batched=True, retain_graph=True)
    for mine, cotangent in zip(batched, cotangents, strict=True):
        (wanted,) = torch.autograd.grad(values, rows, cotangent, retain_graph=True)
        torch.testing.assert_close(mine, wanted)
