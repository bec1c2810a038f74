"""Softmax and the averages that it weighs; on the CPU in one pass over the real rows, padding unread."""

import math
from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from seqpool.layout import Sequences, on_host
from seqpool.ops import segment, slices
from seqpool.ops.reductions import peak, total
from seqpool.ops.rows import accumulator, select, spread


def softmax(seq: Sequences, scores: Tensor) -> Tensor:
    r"""Turn scores into weights that sum to 1 over the real steps: :math:`softmax(s)_t`.

    Args:
        seq: the sequences.
        scores: `(*rows, H)`, finite on padding.

    Returns:
        `(*rows, H)` in the accumulator's dtype, exactly 0 on padding.
    """
    scores = scores.to(accumulator(scores.dtype))
    if seq.time is not None:
        valid = seq.valid()
        if valid is None:
            return scores.softmax(seq.time)
        # An empty sequence's are NaN, and selected away as padding is.
        return select(seq, torch.where(valid.unsqueeze(-1), scores, -math.inf).softmax(seq.time))
    # Softmax does not change when its scores shift, so the shift needs no gradient.
    shift = spread(seq, peak(seq, scores.detach()))
    # Selected before exp, too: on padding the exponent can be any number, and backward would meet 0 * inf.
    mass = select(seq, scores - shift).exp()
    norm = total(seq, mass)
    # Real steps sum to 1 or more (the largest has mass 1); only an empty sequence sums to 0.
    return select(seq, mass / spread(seq, torch.where(norm == 0, 1, norm)))


def average(seq: Sequences, weights: Tensor, rows: Tensor) -> Tensor:
    """Sum of the weighted rows, `(B, H, F)`: weights `(*rows, H)`, 0 on padding; rows `(*rows, F)`, finite there."""
    if seq.time is None:
        weighted = weights.unsqueeze(-1) * rows.unsqueeze(-2)
        return total(seq, weighted.flatten(-2)).reshape(seq.batch, weights.shape[-1], rows.shape[-1])
    if seq.time == 0:
        weights, rows = weights.transpose(0, 1), rows.transpose(0, 1)
    return torch.bmm(weights.transpose(1, 2), rows.to(weights.dtype))


def attend_by(seq: Sequences, rows: Tensor, query: Tensor, dtype: torch.dtype) -> Tensor:
    """The verb of this name, `(B, H, D)` in `dtype`."""
    if _by_slices(seq, rows) or _by_table(rows, query, dtype):
        averages, _ = _AttendBy.apply(rows, query, seq, dtype)  # type: ignore[no-untyped-call]  # torch leaves apply untyped
        found: Tensor = averages
        return found
    return _dense(seq, rows, query, dtype)


def _dense(seq: Sequences, rows: Tensor, query: Tensor, dtype: torch.dtype) -> Tensor:
    rows, query = select(seq, rows).to(dtype), query.to(dtype)
    return average(seq, softmax(seq, products(seq, rows, query)), rows)


def products(seq: Sequences, rows: Tensor, query: Tensor) -> Tensor:
    """Scores `(*rows, H)`: of each row with one query for all, `(H, D)`, or with its own sequence's, `(B, H, D)`."""
    return F.linear(rows, query) if query.ndim == 2 else (spread(seq, query) * rows.unsqueeze(-2)).sum(-1)


def _by_slices(seq: Sequences, rows: Tensor) -> bool:
    return segment.by_slices(seq, rows, 16384)


def _by_table(rows: Tensor, query: Tensor, dtype: torch.dtype) -> bool:
    """Whether many short sequences can be weighed at once where they lie: one query, for all of them."""
    one = query.shape[0] == 1 and query.ndim == 2
    same = rows.dtype == query.dtype == dtype
    return on_host(rows) and one and same and 0 not in rows.shape and slices.table(rows) is not None


class _AttendBy(torch.autograd.Function):
    @staticmethod
    def forward(rows: Tensor, query: Tensor, seq: Sequences, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        if _by_slices(seq, rows):
            return _slices_forward(seq, rows, query.to(dtype))
        return _table_forward(seq, rows, query)

    @staticmethod
    def setup_context(
        ctx: Any, inputs: tuple[Tensor, Tensor, Sequences, torch.dtype], output: tuple[Tensor, Tensor]
    ) -> None:
        rows, query, ctx.seq, ctx.dtype = inputs
        averages, weights = output
        ctx.mark_non_differentiable(weights)
        ctx.save_for_backward(rows, query, averages, weights)

    @staticmethod
    def backward(ctx: Any, grad: Tensor, _: Tensor) -> tuple[Tensor, Tensor, None, None]:
        rows, query, averages, weights = ctx.saved_tensors
        if torch.is_grad_enabled():  # somebody differentiates again
            pull = torch.func.vjp(lambda rows, query: _dense(ctx.seq, rows, query, ctx.dtype), rows, query)[1]
            of_rows, of_query = pull(grad)
            return of_rows, of_query, None, None
        # What a step's weight is worth, less what the others lose by it, needs the average alone.
        level = (grad * averages).sum(-1)
        backward = _slices_backward if _by_slices(ctx.seq, rows) else _table_backward
        of_rows, of_query = backward(ctx.seq, rows, query.to(ctx.dtype), weights, grad, level)
        return of_rows, of_query.to(query.dtype), None, None


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
    if query.shape[0] == 1:  # in half the time
        return (of_scores * query).addcmul_(alpha, of_average)
    return torch.cat([alpha.expand_as(of_scores), of_scores], 1) @ torch.cat([of_average, query.expand_as(of_average)])


def _table_forward(seq: Sequences, rows: Tensor, query: Tensor) -> tuple[Tensor, Tensor]:
    """Averages, and the weights of all rows, 0 on padding."""
    weights = softmax(seq, rows @ query.t())
    bounds = F.pad(seq.count.cumsum(0), (1, 0))
    return _bags(seq, rows, weights, bounds[:-1]).unsqueeze(1), weights


def _table_backward(
    seq: Sequences, rows: Tensor, query: Tensor, weights: Tensor, grad: Tensor, level: Tensor
) -> tuple[Tensor, Tensor]:
    of_average = segment.spread(seq, grad.squeeze(1))
    worth = torch.linalg.vecdot(rows, of_average).unsqueeze(-1) - spread(seq, level)
    of_scores = select(seq, weights * worth)
    return _both(weights, of_average, of_scores, query), _bags(seq, rows, of_scores, torch.zeros(1, dtype=torch.int64))


def _bags(seq: Sequences, rows: Tensor, weights: Tensor, start: Tensor) -> Tensor:
    """Weighted sums of the real rows from each start to the next, of weights `(*rows, 1)`."""
    table, numbers = slices.table(rows), slices.table(weights)
    assert table is not None
    assert numbers is not None
    each = numbers[slices.index(seq, weights), 0]
    return F.embedding_bag(slices.index(seq, rows), table, start, mode="sum", per_sample_weights=each)
