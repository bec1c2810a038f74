"""Order-aware: means over windows of steps, and the maximum of the means."""

from dataclasses import replace
from typing import final

import torch
from torch import Tensor

from seqpool.layout import Sequences
from seqpool.ops import accumulator, peak, select, spread
from seqpool.poolers.base import Pooler, check_at_least_one, settle


def hierarchical(seq: Sequences, window: int) -> Tensor:
    """Largest mean of any window of real steps, `(B, F)`; see `HierarchicalPooler`."""
    seq = _without_holes(seq)
    rows = select(seq, seq.values)
    rows = rows.to(accumulator(rows.dtype))
    position, count = seq.position(), spread(seq, seq.count.unsqueeze(1)).squeeze(-1)
    summed = rows
    for ahead in range(1, window):
        own = (position + ahead < count).unsqueeze(-1)
        summed = summed + torch.where(own, _shifted(seq, rows, position + ahead, ahead), 0)
    means = summed / count.clamp(min=1, max=window).unsqueeze(-1)
    # A window starts at each step that has enough behind it; the first step's always counts, however short.
    starts = ((position == 0) | (position + window <= count)).unsqueeze(-1)
    return settle(seq, peak(seq, torch.where(starts, means, float("-inf"))))


def _without_holes(seq: Sequences) -> Sequences:
    """The real steps side by side from the first step on, the padding behind them."""
    if seq.keep is None or seq.time is None:
        return seq
    # Padding comes last, in any order: no window reads it.
    order = torch.where(seq.keep, seq.position(), seq.values.shape[seq.time]).argsort(seq.time)
    values = seq.values.gather(seq.time, order.unsqueeze(-1).expand_as(seq.values))
    return replace(seq, values=values, lengths=seq.count, start=torch.zeros_like(seq.start), keep=None)


def _shifted(seq: Sequences, rows: Tensor, position: Tensor, ahead: int) -> Tensor:
    """For each row the row `ahead` steps later, at `position`; any row where the sequence ends before."""
    axis = seq.time or 0
    size = rows.shape[axis]
    if seq.hops is None:
        later = (torch.arange(size, device=rows.device) + ahead).clamp(max=size - 1)
    else:
        later = seq.start[seq.owner()] + seq.hops[position.clamp(max=seq.hops.shape[0] - 1)]
        later = later.clamp(max=size - 1)
    return rows.index_select(axis, later)


@final
class HierarchicalPooler(Pooler):
    r"""Average the steps of every window, and take the largest average of each feature.

    .. math:: y = \max_{0 \le s \le n - w} \frac{1}{w} \sum_{t=s+1}^{s+w} x_t

    Where n < w, there is one window, of all n steps.

    Source: SWEM-hier of Shen et al. 2018, "Baseline Needs More Love: On Simple Word-Embedding-Based Models and
    Associated Pooling Mechanisms" (https://aclanthology.org/P18-1041/).

    Args:
        window: w, steps in a window; 1 gives the maximum.

    Shape:
        n steps of D features -> D features.

    Raises:
        ValueError: `window` is below 1.

    Example:
        >>> x = torch.tensor([[[1.0], [3.0], [5.0], [0.0], [9.0]]])
        >>> HierarchicalPooler(2)(x, lengths=[4])
        tensor([[4.]])
    """

    samples = ({"window": 3}, {"window": 1}, {"window": 12})
    order = True
    piecewise = True
    also = ("SWEM-hier", "hierarchical pooling")

    def __init__(self, window: int) -> None:
        super().__init__()
        check_at_least_one("window", window, "it is the number of steps in a window")
        self.window = window

    def one(self, x: Tensor) -> Tensor:
        return x.unfold(0, min(self.window, x.shape[0]), 1).mean(-1).max(0).values

    def pool(self, seq: Sequences) -> Tensor:
        return hierarchical(seq, self.window)

    def extra_repr(self) -> str:
        return f"window={self.window}"
