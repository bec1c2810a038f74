"""Sums over the real rows of a table on the CPU, by `embedding_bag`: one read of each row, none of padding."""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from seqpool.layout import Sequences
from seqpool.ops import slices
from seqpool.ops.rows import accumulator

BLOCK = 262144
"""Numbers that are made wide at a time, and stay in the cache until they are summed."""
LONG = 65536
"""Numbers a sequence from which on a call a sequence costs less than a copy of its rows."""


def total(seq: Sequences, rows: Tensor, dtype: torch.dtype) -> Tensor:
    """Sum of the real rows of each sequence, `(B, F)`, added up in the accumulator's dtype and rounded to `dtype`."""
    table, wide = slices.table(rows), accumulator(rows.dtype)
    if table is None or (rows.dtype != dtype and rows.numel() >= LONG * seq.batch):
        return torch.stack([each.sum(0, dtype=wide) for each in slices.each(seq, rows)]).to(dtype)
    index, bounds = slices.index(seq, rows), F.pad(seq.count.cumsum(0), (1, 0))
    if rows.dtype == dtype:
        # Half types, too, are added up in float32 here.
        return _bags(index, table, bounds)
    summed = table.new_empty((seq.batch, rows.shape[-1]), dtype=wide)
    for first, last, begin, end in _blocks(bounds.tolist(), max(1, BLOCK // rows.shape[-1])):
        block = table.index_select(0, index[begin:end]).to(wide)
        summed[first:last] = _bags(torch.arange(end - begin), block, bounds[first : last + 1] - begin)
    return summed.to(dtype)


def _bags(index: Tensor, table: Tensor, bounds: Tensor) -> Tensor:
    return F.embedding_bag(index, table, bounds, mode="sum", include_last_offset=True)


def _blocks(bounds: list[int], most: int) -> Iterator[tuple[int, int, int, int]]:
    """Neighbouring sequences with `most` rows together, or one with more: first, last, and the bounds of their rows."""
    first = 0
    for last in range(1, len(bounds)):
        if last + 1 == len(bounds) or bounds[last + 1] - bounds[first] > most:
            yield first, last, bounds[first], bounds[last]
            first = last
