"""Between rows, in whatever layout, and steps, `(B, T)`."""

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from seqpool.layout import Sequences


def longest(seq: Sequences) -> int:
    """Real steps of the longest sequence."""
    return max(seq.count.tolist(), default=0)


def real(seq: Sequences) -> Tensor:
    """Which rows are real steps, shaped like the rows."""
    valid = seq.valid()
    return torch.ones_like(seq.owner(), dtype=torch.bool) if valid is None else valid


def euclidean(rows: Tensor, dim: int) -> Tensor:
    """Length of each vector, in the dtype of its features."""
    # Far from what is read a gradient is 1e-23 and less, and float32 does not hold its square; MPS has no float64.
    wide = rows.dtype if rows.device.type == "mps" else torch.float64
    lengths: Tensor = torch.linalg.vector_norm(rows, dim=dim, dtype=wide)
    return lengths.to(rows.dtype)


def to_steps(seq: Sequences, rows: Tensor) -> Tensor:
    """One number a row as one number a step, `(B, T)`, T the longest sequence; 0 behind the last step."""
    valid = real(seq)
    steps = rows.new_zeros(seq.batch, longest(seq))
    steps[seq.owner()[valid], seq.position()[valid]] = rows[valid]
    return steps


def to_layout(seq: Sequences, steps: Tensor) -> Tensor | PackedSequence:
    """One number a step, `(B, T)`, in the layout of `seq`; 0 on padding."""
    valid = real(seq)
    rows = steps.new_zeros(valid.shape)
    rows[valid] = steps[seq.owner()[valid], seq.position()[valid]]
    return seq.wrap(rows)
