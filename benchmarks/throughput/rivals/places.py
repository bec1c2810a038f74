"""Where rows lie and whose they are, found anew in each call from what the layout hands over, as ours must."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from benchmarks.throughput.batches import Batch


def bags(batch: Batch, stored: Tensor) -> tuple[Tensor, Tensor]:
    """The stored row of each real step, sequence after sequence, and where each sequence starts among them."""
    output = batch.layout.output(stored)
    if isinstance(output, PackedSequence):
        rows, having = _packed(output)
        return rows[having], _starts(having.sum(1))
    if stored.ndim == 2:
        return torch.arange(stored.shape[0], device=stored.device), offsets_of(batch, output)[:-1]
    assert batch.layout.padded is not None
    _, mask = batch.layout.padded(stored)
    numbers = torch.arange(mask.numel(), device=mask.device).view(stored.shape[:2])
    rows = numbers if batch.layout.given.get("batch_first", True) else numbers.t()
    return rows[mask], _starts(mask.sum(1))


def owners(batch: Batch, stored: Tensor) -> Tensor:
    """The sequence of each stored row, where every row is a real step."""
    output = batch.layout.output(stored)
    if isinstance(output, PackedSequence):
        assert output.sorted_indices is not None
        having = torch.arange(batch.size) < output.batch_sizes.unsqueeze(1)
        return output.sorted_indices.expand(having.shape)[having.to(stored.device)]
    counts = offsets_of(batch, output).diff()
    return torch.repeat_interleave(counts, output_size=stored.shape[0])


def offsets_of(batch: Batch, output: Any) -> Tensor:  # torch does not type what only nested tensors have
    """Where each sequence starts among rows that lie one after another, and the end."""
    found: Tensor = output.offsets() if output.is_nested else batch.layout.given["offsets"]
    return found


def _packed(output: PackedSequence) -> tuple[Tensor, Tensor]:
    """Row of each step, `(B, T)`, and whether the sequence has it."""
    sizes, device = output.batch_sizes, output.data.device
    hop = (sizes.cumsum(0) - sizes).to(device)
    assert output.unsorted_indices is not None
    place = output.unsorted_indices.unsqueeze(1)
    return hop + place, place < sizes.to(device)


def _starts(counts: Tensor) -> Tensor:
    return F.pad(counts.cumsum(0)[:-1], (1, 0))
