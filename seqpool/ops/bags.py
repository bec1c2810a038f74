"""Sums over the real rows of a table on the CPU, by `embedding_bag`: one read of each row, none of padding."""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from seqpool.layout import Sequences
from seqpool.ops import slices
from seqpool.ops.rows import accumulator

BLOCK = 131072
"""Numbers that are made wide at a time, and stay in the cache until they are summed."""
LONG, WEIGHTED = 16384, 65536
"""Numbers a sequence from which on a call a sequence costs less than a copy of its rows, and so where they weigh."""


def total(seq: Sequences, rows: Tensor, dtype: torch.dtype, weights: Tensor | None = None) -> Tensor:
    """Sum of the real rows of each sequence, `(B, F)`, added up in the accumulator's dtype and rounded to `dtype`.

    Rows count as often as their weights say, `(*rows, 1)` in the accumulator's dtype, where there are any.
    """
    table, wide = slices.table(rows), accumulator(rows.dtype)
    long = LONG if weights is None else WEIGHTED
    if table is None or (rows.dtype != dtype and rows.numel() >= long * seq.batch):
        return torch.stack(list(_by_slices(seq, rows, wide, weights))).to(dtype)
    index, bounds = slices.index(seq, rows), F.pad(seq.count.cumsum(0), (1, 0))
    shares = None
    if weights is not None:
        alike = rows.is_contiguous() and weights.is_contiguous()
        shares = slices.take(weights, index if alike else slices.index(seq, weights)).squeeze(1)
    if rows.dtype == dtype:
        # Half types, too, are added up in float32 here.
        return _bags(index, table, bounds, shares)
    return _by_blocks(rows, index, bounds, shares).to(dtype)


def _by_blocks(rows: Tensor, index: Tensor, bounds: Tensor, shares: Tensor | None) -> Tensor:
    """The sums in the accumulator's dtype; a block is made wide where the one before it was, in the cache."""
    wide, width = accumulator(rows.dtype), rows.shape[-1]
    blocks = list(_blocks(bounds.tolist(), max(1, BLOCK // width)))
    number = torch.arange(max(end - begin for _, _, begin, end in blocks))
    summed = rows.new_empty((bounds.shape[0] - 1, width), dtype=wide)
    copies = slices.copies(rows, [index[begin:end] for _, _, begin, end in blocks], wide)
    for (first, last, begin, end), block in zip(blocks, copies, strict=True):
        share = None if shares is None else shares[begin:end]
        summed[first:last] = _bags(number[: end - begin], block, bounds[first : last + 1] - begin, share)
    return summed


def _by_slices(seq: Sequences, rows: Tensor, wide: torch.dtype, weights: Tensor | None) -> Iterator[Tensor]:
    if weights is None:
        yield from (each.sum(0, dtype=wide) for each in slices.each(seq, rows))
        return
    for each, share in zip(slices.each(seq, rows), slices.each(seq, weights), strict=True):
        yield share.squeeze(1) @ each.to(wide)


def _bags(index: Tensor, table: Tensor, bounds: Tensor, weights: Tensor | None) -> Tensor:
    return F.embedding_bag(index, table, bounds, mode="sum", per_sample_weights=weights, include_last_offset=True)


def _blocks(bounds: list[int], most: int) -> Iterator[tuple[int, int, int, int]]:
    """Neighbouring sequences with `most` rows together, or one with more: first, last, and the bounds of their rows."""
    first = 0
    for last in range(1, len(bounds)):
        if last + 1 == len(bounds) or bounds[last + 1] - bounds[first] > most:
            yield first, last, bounds[first], bounds[last]
            first = last
