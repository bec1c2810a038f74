"""A recurrent network over sequences of like length together: few steps of padding, without packing."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seqpool.reversed_rnn import run_reversed

# Most sequences in a group. From 4 on, the time of oneDNN's LSTM is close to linear in them, so that a small group
# loses little and saves the steps behind its own longest.
GROUP = 8


def run_in_groups(
    rnn: nn.RNNBase, x: Tensor, lengths: Tensor, hx: tuple[Tensor, ...], *, cells: bool
) -> tuple[Tensor, Tensor, Tensor | None]:
    """`run_reversed` over sequences of like length at a time, each group cut to its longest; lengths on the host.

    Source: this library.

    Args:
        rnn: `nn.RNN`, `nn.LSTM` or `nn.GRU`; its own weights are read.
        x: padded input in the layout of `rnn.batch_first`, finite on padding, T >= 1.
        lengths: real steps of each sequence, where Python may read them.
        hx: the initial states, `(h_0,)` or the LSTM's `(h_0, c_0)`.
        cells: whether to give an LSTM's `c_n` as well.

    Shape:
        x `(B, T, D)` or `(T, B, D)`; lengths `(B,)`; h_0 `(L*dirs, B, H)`.

    Returns:
        What `run_reversed` returns.
    """
    time = 1 if rnn.batch_first else 0
    groups = math.ceil(lengths.shape[0] / GROUP)
    ordered, order = lengths.sort(descending=True)
    rows = x.index_select(1 - time, order).chunk(groups, 1 - time)
    starts = zip(*(state.index_select(1, order).chunk(groups, 1) for state in hx), strict=True)
    runs = [
        _cut(rnn, part, length, start, cells=cells)
        for part, length, start in zip(rows, ordered.chunk(groups), starts, strict=True)
    ]
    back = order.argsort()
    outputs, finals, memories = zip(*runs, strict=True)
    output = torch.cat(outputs, 1 - time).index_select(1 - time, back)
    c_n = torch.cat(memories, 1).index_select(1, back) if cells else None
    return output, torch.cat(finals, 1).index_select(1, back), c_n


def _cut(
    rnn: nn.RNNBase, x: Tensor, lengths: Tensor, hx: tuple[Tensor, ...], *, cells: bool
) -> tuple[Tensor, Tensor, Tensor | None]:
    """`run_reversed` up to the longest sequence, zeros behind it."""
    time = 1 if rnn.batch_first else 0
    steps = max(1, int(lengths.max()))
    output, h_n, c_n = run_reversed(rnn, x.narrow(time, 0, steps), lengths, hx, cells=cells)
    behind = x.shape[time] - steps
    return F.pad(output, (0, 0, 0, behind) if time == 1 else (0, 0, 0, 0, 0, behind)), h_n, c_n
