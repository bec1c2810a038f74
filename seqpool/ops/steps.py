"""Walking through a batch step by step on the CPU, all sequences at once: for many short ones."""

import torch
from torch import Tensor

from seqpool.layout import Sequences, on_host
from seqpool.ops import slices


def fit(seq: Sequences, rows: Tensor) -> bool:
    """Whether there are fewer steps than sequences, no holes, and enough numbers to be worth a call a step."""
    if not on_host(rows) or rows.numel() < 65536 or slices.table(rows) is None or not slices.unbroken(seq):
        return False
    if seq.hops is not None:
        return seq.hops.shape[0] < seq.batch
    return (int(seq.lengths.max()) if seq.time is None else rows.shape[seq.time]) < seq.batch


def walk(seq: Sequences, rows: Tensor) -> tuple[Tensor, list[Tensor]]:
    """The sequences, longest first, and for each step the place in `slices.table(rows)` of those that have it."""
    lengths, order = seq.lengths.sort(descending=True)
    longest = int(lengths[0])
    having = (lengths > torch.arange(longest).unsqueeze(1)).sum(1).tolist()
    pitch = [stride // rows.shape[-1] for stride in rows.stride()[:-1]]
    by_step = pitch[seq.time or 0]
    first = seq.start[order] * by_step
    if seq.time is not None:
        first = first + order * pitch[1 - seq.time]
    hops = range(longest) if seq.hops is None else seq.hops.tolist()
    return order, [first[:count] + hop * by_step for count, hop in zip(having, hops, strict=False)]


def running(rows: Tensor, places: list[Tensor], dtype: torch.dtype) -> Tensor:
    """Sums of the rows of each step, longest sequence first."""
    summed = torch.zeros(places[0].shape[0] if places else 0, rows.shape[-1], dtype=dtype)
    for step in slices.copies(rows, places, dtype):
        summed[: step.shape[0]] += step
    return summed


def back(order: Tensor, vectors: Tensor) -> Tensor:
    """Vectors of the longest sequences in the order of the batch, 0 for the others."""
    whole = vectors.new_zeros(order.shape[0], vectors.shape[1])
    return whole.index_copy_(0, order[: vectors.shape[0]], vectors)
