"""`view` finds every row where it lies: each row carries its own name, (sequence, kept step, step of the span)."""

from dataclasses import FrozenInstanceError
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

import seqpool
from tests.layouts import LAYOUTS, Laid, cases

BATCHES = ([3, 1, 2], [5, 3, 3, 1], [1], [0, 2, 0], [4, 0, 1, 0], [0], [0, 0])


def named(lengths: tuple[int, ...] | list[int]) -> list[Tensor]:
    return [torch.tensor([[b, k] for k in range(n)], dtype=torch.float64).reshape(n, 2) for b, n in enumerate(lengths)]


def laid(layout: str, lengths: tuple[int, ...]) -> Laid:
    return LAYOUTS[layout](named(lengths))


def where_from(seq: seqpool.Sequences) -> dict[tuple[int, int], int]:
    """Place in the table of rows of every named row, found by reading the rows."""
    table = seq.values.reshape(-1, 2).tolist()
    return {(int(b), int(k)): row for row, (b, k) in enumerate(table) if b == b}  # NaN is no name


def hop(seq: seqpool.Sequences, step: int) -> int:
    return step * seq.stride if seq.stride is not None else int(seq.hops[step])  # type: ignore[index]  # one of both


def check_address(seq: seqpool.Sequences, lengths: list[int]) -> None:
    """Lengths, count, origin, stride and last against the places where the rows were found."""
    found = where_from(seq)
    assert seq.batch == len(lengths)
    assert seq.features == 2
    assert seq.count.tolist() == lengths
    assert seq.lengths.dtype == seq.count.dtype == seq.start.dtype == torch.int64
    for b, n in enumerate(lengths):
        rows = [found[b, k] for k in range(n)]
        span = 0 if not rows else 1 + max(s for s in range(seq.values.numel()) if _reaches(seq, b, s, rows[-1]))
        assert seq.lengths[b] == span
        assert seq.last()[b] == max(n - 1, 0)
        if rows:
            assert seq.origin[b] == rows[0]
        if span == n:  # no hole: step k of the span is the k-th kept one
            assert [int(seq.origin[b]) + hop(seq, k) for k in range(n)] == rows


def check_steps(seq: seqpool.Sequences, lengths: list[int]) -> None:
    """`at` reads the k-th real step of every sequence that has one."""
    for k in range(max(lengths, default=0)):
        steps = torch.tensor([min(k, max(n - 1, 0)) for n in lengths])
        read = seq.values[seq.at(steps)]
        for b, n in enumerate(lengths):
            assert n == 0 or read[b].tolist() == [b, int(steps[b])]


def _reaches(seq: seqpool.Sequences, b: int, step: int, row: int) -> bool:
    if seq.hops is not None and step >= seq.hops.shape[0]:
        return False
    return int(seq.origin[b]) + hop(seq, step) == row


def check_rows(seq: seqpool.Sequences) -> None:
    """Owner, position and valid of every row against the name that it carries."""
    names = seq.values.reshape(-1, 2)
    real = ~names.isnan().any(1)
    valid = seq.valid()
    assert torch.equal(real if valid is None else valid.reshape(-1), real)
    assert (valid is None) == (seq.full or bool(real.all()))
    assert torch.equal(seq.owner().reshape(-1)[real], names[real, 0].long())
    assert torch.equal(seq.position().reshape(-1)[real], names[real, 1].long())


@pytest.mark.parametrize(("layout", "lengths"), cases(*BATCHES))
def test_every_row_is_found_by_its_address(layout: str, lengths: tuple[int, ...]) -> None:
    check_address(laid(layout, lengths).view(), list(lengths))


@pytest.mark.parametrize(("layout", "lengths"), cases(*BATCHES))
def test_every_row_knows_its_sequence_and_step(layout: str, lengths: tuple[int, ...]) -> None:
    check_rows(laid(layout, lengths).view())


@pytest.mark.parametrize(("layout", "lengths"), cases(*BATCHES))
def test_any_step_of_any_sequence_is_read(layout: str, lengths: tuple[int, ...]) -> None:
    check_steps(laid(layout, lengths).view(), list(lengths))


@pytest.mark.parametrize(
    ("layout", "stride"),
    [("right", 1), ("left", 1), ("holes", 1), ("time_major", 3), ("flat", 1), ("jagged", 1), ("packed", None)],
)
def test_hop_is_a_stride_or_a_table(layout: str, stride: int | None) -> None:
    seq = laid(layout, (3, 1, 2)).view()
    assert seq.stride == stride
    assert (seq.hops is None) == (stride is not None)


def test_packed_hops_are_sums_of_batch_sizes() -> None:
    seq = laid("packed", (1, 4, 2)).view()
    assert seq.hops is not None
    assert seq.hops.tolist() == [0, 3, 5, 6]  # batch sizes 3, 2, 1, 1
    assert seq.origin.tolist() == [2, 0, 1]
    assert seq.order is not None
    assert seq.order.tolist() == [1, 2, 0]


def test_left_padding_starts_at_the_first_real_step() -> None:
    seq = laid("left", (3, 1, 2)).view()
    assert seq.origin.tolist() == [1, 4 + 3, 8 + 2]


def test_a_mask_keeps_its_holes_out_of_count_but_not_of_lengths() -> None:
    mask = torch.tensor([[0, 1, 0, 1, 1, 0], [0, 0, 0, 0, 0, 0], [1, 0, 0, 0, 0, 1]])
    seq = seqpool.view(torch.zeros(3, 6, 2), mask=mask)
    assert seq.lengths.tolist() == [4, 0, 6]
    assert seq.count.tolist() == [3, 0, 2]
    assert seq.origin.tolist()[::2] == [1, 12]
    assert seq.keep is not None
    assert torch.equal(seq.keep, mask.bool())
    assert seq.position()[0].tolist()[1:5:2] == [0, 1]


def test_a_view_is_frozen_and_named() -> None:
    seq = laid("right", (3, 1)).view()
    with pytest.raises(FrozenInstanceError):
        seq.lengths = seq.count  # type: ignore[misc]  # that is the point
    build: Any = seqpool.Sequences
    with pytest.raises(TypeError, match="positional"):
        build(seq.values, seq.lengths, seq.count, seq.start)


@given(st.lists(st.lists(st.booleans(), min_size=5, max_size=5), max_size=4), st.booleans())
@settings(max_examples=60, deadline=None, derandomize=True, database=None)
def test_any_mask(rows: list[list[bool]], batch_first: bool) -> None:
    mask = torch.tensor(rows, dtype=torch.bool).reshape(len(rows), 5)
    values = torch.full((len(rows), 5, 2), float("nan"), dtype=torch.float64)
    for b, row in enumerate(rows):
        for k, t in enumerate([t for t in range(5) if row[t]]):
            values[b, t] = torch.tensor([b, k])
    values = values if batch_first else values.transpose(0, 1).contiguous()
    seq = seqpool.view(values, mask=mask, batch_first=batch_first)
    lengths = [sum(row) for row in rows]
    check_address(seq, lengths)
    check_steps(seq, lengths)
    check_rows(seq)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=5), st.sampled_from(sorted(LAYOUTS)))
@settings(max_examples=120, deadline=None, derandomize=True, database=None)
def test_any_lengths_in_any_layout(lengths: list[int], layout: str) -> None:
    if layout.startswith("packed"):
        lengths = [n + 1 for n in lengths]
    if layout == "packed_sorted":
        lengths = sorted(lengths, reverse=True)
    seq = laid(layout, tuple(lengths)).view()
    check_address(seq, lengths)
    check_steps(seq, lengths)
    check_rows(seq)
