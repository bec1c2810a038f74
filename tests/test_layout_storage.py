"""A view moves no row: its values are the caller's own storage, whatever the strides; and empty batches."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

import seqpool
from seqpool import ops
from tests.layouts import LAYOUTS

STRIDED: dict[str, Callable[[Tensor], Tensor]] = {
    "cropped": lambda x: x[:, :5],
    "started late": lambda x: x[:, 3:],
    "every second step": lambda x: x[:, ::2],
    "every second sequence": lambda x: x[::2],
    "channels transposed": lambda x: x.transpose(1, 2).contiguous().transpose(1, 2),
    "features sliced": lambda x: x[..., 1:4],
    "every second feature": lambda x: x[..., ::2],
    "batch expanded": lambda x: x[:1].expand(4, -1, -1),
    "steps expanded": lambda x: x[:, :1].expand(-1, 8, -1),
    "one feature": lambda x: x[..., 2:3],
    "sliding windows": lambda x: x[:, :, 0].unfold(1, 3, 1),
    "time-major seen batch-first": lambda x: x.transpose(0, 1).contiguous().transpose(0, 1),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_nothing_is_copied(layout: str) -> None:
    laid = LAYOUTS[layout]([torch.randn(n, 3) for n in (4, 3, 1)])
    seq = laid.view()
    assert seq.values.data_ptr() == laid.rows().data_ptr()
    assert seq.values.stride() == laid.rows().stride()
    assert seq.values.shape == laid.rows().shape


@pytest.mark.parametrize("strided", STRIDED)
@pytest.mark.parametrize("batch_first", [True, False])
def test_strides_that_do_not_merge_are_read_in_place(strided: str, batch_first: bool) -> None:
    x = STRIDED[strided](torch.randn(4, 9, 6, dtype=torch.float64))
    batch, steps = x.shape[:2]
    lengths = [steps, 1, 0, 2][:batch]
    output = x if batch_first else x.transpose(0, 1)
    seq = seqpool.view(output, lengths=lengths, batch_first=batch_first)
    assert seq.values is output
    zero = x.new_zeros(1, x.shape[2])
    own = [row[:n] if n else zero for row, n in zip(x, lengths, strict=True)]
    torch.testing.assert_close(ops.total(seq, output), torch.stack([steps.sum(0) for steps in own]))
    assert torch.equal(ops.peak(seq, output), torch.stack([steps.amax(0) for steps in own]))
    assert torch.equal(ops.gather(seq, output, seq.last()), torch.stack([steps[-1] for steps in own]))


@pytest.mark.parametrize("strided", STRIDED)
def test_gradients_come_back_through_strides(strided: str) -> None:
    x = torch.randn(4, 9, 6, dtype=torch.float64, requires_grad=True)
    y = STRIDED[strided](x)
    lengths = [y.shape[1], 1, 0, 2][: y.shape[0]]
    (ours,) = torch.autograd.grad(ops.total(seqpool.view(y, lengths=lengths), y).square().sum(), x)
    summed = torch.stack([row[:n].sum(0) for row, n in zip(y, lengths, strict=True)])
    (theirs,) = torch.autograd.grad(summed.square().sum(), x)
    torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("dtype", [torch.int32, torch.int64])
def test_offsets_of_any_integer_width(dtype: torch.dtype) -> None:
    seq = seqpool.view(torch.zeros(5, 2), offsets=torch.tensor([0, 2, 2, 5], dtype=dtype))
    assert seq.origin.tolist() == [0, 2, 2]
    assert seq.lengths.tolist() == [2, 0, 3]
    assert seq.owner().tolist() == [0, 0, 2, 2, 2]
    assert seq.position().tolist() == [0, 1, 0, 1, 2]


@pytest.mark.parametrize("dtype", [torch.int32, torch.int64])
def test_jagged_offsets_of_any_integer_width(dtype: torch.dtype) -> None:
    nested = torch.nested.nested_tensor_from_jagged(
        torch.arange(5.0).unsqueeze(1), torch.tensor([0, 2, 5], dtype=dtype)
    )
    seq = seqpool.view(nested)
    assert seq.lengths.dtype == seq.start.dtype == torch.int64
    assert ops.total(seq, seq.values).flatten().tolist() == [1.0, 9.0]


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64])
def test_lengths_of_any_integer_width(dtype: torch.dtype) -> None:
    seq = seqpool.view(torch.zeros(2, 4, 3), lengths=torch.tensor([4, 1], dtype=dtype))
    assert seq.lengths.dtype == torch.int64
    assert seq.lengths.tolist() == [4, 1]


@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.int64, torch.float16, torch.float32])
def test_masks_of_zeros_and_ones_of_any_dtype(dtype: torch.dtype) -> None:
    seq = seqpool.view(torch.zeros(2, 3, 1), mask=torch.tensor([[0, 1, 1], [1, 0, 1]], dtype=dtype))
    assert seq.lengths.tolist() == [2, 3]
    assert seq.count.tolist() == [2, 2]


def test_without_a_description_every_step_is_real() -> None:
    seq = seqpool.view(torch.zeros(2, 3, 1))
    assert seq.lengths.tolist() == [3, 3]
    assert seq.valid() is None


@pytest.mark.parametrize("given", [{"lengths": [3, 3]}, {"mask": torch.ones(2, 3)}])
def test_the_host_sees_that_nothing_is_padding_and_a_graph_does_not(given: dict[str, Any]) -> None:
    seq = seqpool.view(torch.zeros(2, 3, 1), **given)
    assert seq.valid() is None
    assert not seq.full
    in_a_graph = torch.func.vmap(lambda _: torch.as_tensor(seq.valid() is not None))
    assert in_a_graph(torch.zeros(1)).tolist() == [True]


@pytest.mark.parametrize("kind", ["lengths", "mask", "all"])
@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize(("batch", "steps"), [(0, 4), (3, 0), (0, 0)])
def test_no_sequences_and_no_steps(batch: int, steps: int, batch_first: bool, kind: str) -> None:
    given = {
        "lengths": {"lengths": [0] * batch},
        "mask": {"mask": torch.zeros(batch, steps, dtype=torch.bool)},
        "all": {},
    }[kind]
    x = torch.zeros((batch, steps, 2) if batch_first else (steps, batch, 2))
    seq = seqpool.view(x, batch_first=batch_first, **given)  # type: ignore[arg-type]  # one of three descriptions
    assert seq.lengths.tolist() == seq.count.tolist() == [0] * batch
    for pooled in (ops.total(seq, x), ops.peak(seq, x), ops.gather(seq, x, seq.last())):
        assert torch.equal(pooled, torch.zeros(batch, 2))
    pooled, weights = ops.attend(seq, x[..., :1], x)
    assert pooled.shape == (batch, 1, 2)
    assert weights.shape == (*x.shape[:2], 1)


@pytest.mark.parametrize("offsets", [[0], [0, 0], [0, 0, 0]])
def test_flat_rows_of_nobody(offsets: list[int]) -> None:
    x = torch.zeros(0, 2)
    seq = seqpool.view(x, offsets=offsets)
    assert seq.batch == len(offsets) - 1
    assert torch.equal(ops.total(seq, x), torch.zeros(seq.batch, 2))
    assert torch.equal(ops.peak(seq, x), torch.zeros(seq.batch, 2))
    assert torch.equal(ops.gather(seq, x, seq.last()), torch.zeros(seq.batch, 2))


def test_packed_rows_of_nobody() -> None:
    x = torch.zeros(0, 2)
    seq = seqpool.view(PackedSequence(x, torch.zeros(0, dtype=torch.int64)))
    assert seq.batch == 0
    for pooled in (ops.total(seq, x), ops.peak(seq, x), ops.gather(seq, x, seq.last())):
        assert pooled.shape == (0, 2)


@pytest.mark.parametrize("layout", ["right", "holes", "time_major", "flat", "narrowed", "jagged"])
def test_the_last_sequence_may_be_empty(layout: str) -> None:
    """Its origin is one past the last row of a flat table."""
    laid = LAYOUTS[layout]([torch.randn(2, 3, dtype=torch.float64), torch.zeros(0, 3, dtype=torch.float64)])
    seq = laid.view()
    assert torch.equal(ops.gather(seq, laid.rows(), seq.last())[1], torch.zeros(3, dtype=torch.float64))
