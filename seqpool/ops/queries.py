"""Attention by queries on the CPU: rows read where they lie, padding unread, the gradient written once."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from seqpool.layout import Sequences
from seqpool.ops import recording, segment, slices
from seqpool.ops.averages import average, products, softmax
from seqpool.ops.compact import compact
from seqpool.ops.reductions import weighted
from seqpool.ops.rows import by_sequence, select, spread

MANY = 2**21
"""Numbers from which on it pays to leave padding out before the others are copied."""

Forward = Callable[[Sequences, Tensor, Tensor], tuple[Tensor, Tensor]]
Backward = Callable[[Sequences, Tensor, Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]


def attend_by(seq: Sequences, rows: Tensor, query: Tensor, dtype: torch.dtype) -> Tensor:
    """The verb of this name, `(B, H, D)` in `dtype`."""
    way = _way(seq, rows, query, dtype)
    if way is None:
        if rows.dtype != dtype and query.ndim == 2 and rows.numel() >= MANY:
            # What is made wide are the real rows alone.
            seq = compact(replace(seq, values=rows))
            rows = seq.values
        return _dense(seq, rows, query, dtype)
    averages, _ = recording.run(_AttendBy, rows, query, seq, dtype, way)
    found: Tensor = averages
    return found


def _dense(seq: Sequences, rows: Tensor, query: Tensor, dtype: torch.dtype) -> Tensor:
    rows, query = select(seq, rows).to(dtype), query.to(dtype)
    return average(seq, softmax(seq, products(seq, rows, query)), rows)


def _way(seq: Sequences, rows: Tensor, query: Tensor, dtype: torch.dtype) -> tuple[Forward, Backward] | None:
    """All rows at once where they lie, if one query is for all of them; by sequence where less is read that way."""
    long = segment.by_slices(seq, rows, 16384)
    one = query.shape[0] == 1 and query.ndim == 2
    same = rows.dtype == query.dtype == dtype
    if not (one and same and segment.one_pass(rows) and slices.table(rows) is not None):
        return (_slices_forward, _slices_backward) if long else None
    if long and seq.time is not None and 2 * int(seq.count.sum()) < rows.shape[:-1].numel():
        return _slices_forward, _slices_backward
    if long and seq.time is None and seq.hops is None and seq.valid() is None:
        # A table is read twice, which costs more where a sequence fits a cache and the table does not.
        return _slices_forward if segment.by_slices(seq, rows, 2**22) else _table_forward, _slices_backward
    return _table_forward, _table_backward


class _AttendBy(torch.autograd.Function):
    @staticmethod
    def forward(
        rows: Tensor, query: Tensor, seq: Sequences, dtype: torch.dtype, way: tuple[Forward, Backward]
    ) -> tuple[Tensor, Tensor]:
        return way[0](seq, rows, query.to(dtype))

    @staticmethod
    def setup_context(
        ctx: Any,
        inputs: tuple[Tensor, Tensor, Sequences, torch.dtype, tuple[Forward, Backward]],
        output: tuple[Tensor, Tensor],
    ) -> None:
        rows, query, ctx.seq, ctx.dtype, (_, ctx.backward_of) = inputs
        averages, weights = output
        ctx.mark_non_differentiable(weights)
        ctx.save_for_backward(rows, query, averages, weights)

    @staticmethod
    def backward(ctx: Any, grad: Tensor, _: Tensor) -> tuple[Tensor, Tensor, None, None, None]:
        rows, query, averages, weights = ctx.saved_tensors
        if torch.is_grad_enabled():  # somebody differentiates again
            pull = torch.func.vjp(lambda rows, query: _dense(ctx.seq, rows, query, ctx.dtype), rows, query)[1]
            of_rows, of_query = pull(grad)
            return of_rows, of_query, None, None, None
        # What a step's weight is worth, less what the others lose by it, needs the average alone.
        level = (grad * averages).sum(-1)
        # The gradient of a sum comes as one number expanded, with which all that follows takes ten times as long.
        of_rows, of_query = ctx.backward_of(ctx.seq, rows, query.to(ctx.dtype), weights, grad.contiguous(), level)
        return of_rows, of_query.to(query.dtype), None, None, None


def _slices_forward(seq: Sequences, rows: Tensor, query: Tensor) -> tuple[Tensor, Tensor]:
    """Averages, and the weights of the real rows, sequence after sequence."""
    averages, weights = [], []
    for steps, one in zip(slices.each(seq, rows), query.expand(seq.batch, *query.shape[-2:]).unbind(), strict=True):
        steps = steps.to(query.dtype)
        weights.append((steps @ one.t()).softmax(0))
        averages.append(weights[-1].t() @ steps)
    return torch.stack(averages), torch.cat(weights)


def _slices_backward(
    seq: Sequences, rows: Tensor, query: Tensor, weights: Tensor, grad: Tensor, level: Tensor
) -> tuple[Tensor, Tensor]:
    of_query = []

    def pieces() -> Iterator[Tensor]:
        each = zip(slices.each(seq, rows), torch.split(weights, seq.count.tolist()), strict=True)
        for b, (steps, alpha) in enumerate(each):
            steps, one = steps.to(query.dtype), query if query.ndim == 2 else query[b]
            of_scores = alpha * (steps @ grad[b].t() - level[b])
            of_query.append(of_scores.t() @ steps)
            yield _both(alpha, grad[b], of_scores, one)

    of_rows = slices.gradient(seq, rows, grad, pieces())
    stacked = torch.stack(of_query)
    return of_rows, stacked if query.ndim == 3 else stacked.sum(0)


def _both(alpha: Tensor, of_average: Tensor, of_scores: Tensor, query: Tensor) -> Tensor:
    """Gradient of the rows of one sequence, from what they are and from how they score: a product of `(n, 2H)`."""
    return torch.cat([alpha.expand_as(of_scores), of_scores], 1) @ torch.cat([of_average, query.expand_as(of_average)])


def _table_forward(seq: Sequences, rows: Tensor, query: Tensor) -> tuple[Tensor, Tensor]:
    """Averages, and the weights of all rows, 0 on padding."""
    weights = softmax(seq, rows @ query.t())
    return weighted(seq, weights, rows).unsqueeze(1), weights


def _table_backward(
    seq: Sequences, rows: Tensor, query: Tensor, weights: Tensor, grad: Tensor, level: Tensor
) -> tuple[Tensor, Tensor]:
    if seq.time is None:
        of_average = segment.spread(seq, grad.squeeze(1))
        worth = torch.linalg.vecdot(rows, of_average).unsqueeze(-1)
    else:
        worth = products(seq, rows, grad)
    of_scores = select(seq, weights * (worth - spread(seq, level)))
    if seq.time is None:
        of_rows = (of_scores * query).addcmul_(weights, of_average)
    else:
        shares = by_sequence(seq, torch.cat([weights, of_scores], -1))
        of_rows = by_sequence(seq, torch.bmm(shares, torch.cat([grad, query.expand_as(grad)], 1)))
    return of_rows, weighted(seq, of_scores, rows).sum(0, keepdim=True)
