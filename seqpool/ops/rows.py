"""What is said of single rows, in plain PyTorch on every device: whether they count, and whose they are."""

import torch
from torch import Tensor

from seqpool.layout import Sequences, on_host


def accumulator(dtype: torch.dtype) -> torch.dtype:
    """The dtype that sums over steps are kept in: float32 for half types, the dtype itself otherwise."""
    return torch.promote_types(dtype, torch.float32)


def select(seq: Sequences, rows: Tensor) -> Tensor:
    """Zero the padding, so that a map with parameters neither reads it nor sends it a gradient.

    Args:
        seq: the sequences.
        rows: `(*rows, F)`, the caller's values or rows of the same leading shape.
    """
    valid = seq.valid()
    return rows if valid is None else torch.where(valid.unsqueeze(-1), rows, 0)


def spread(seq: Sequences, vectors: Tensor) -> Tensor:
    """Give each row its own sequence's vector: `(B, F)` to a shape that broadcasts over `(*rows, F)`.

    Args:
        seq: the sequences.
        vectors: one vector a sequence.
    """
    if seq.time is not None:
        return vectors.unsqueeze(seq.time)
    # The host copies whole vectors this way; an accelerator would add up their gradients in an order of its own.
    return vectors.index_select(0, seq.owner()) if on_host(vectors) else vectors[seq.owner()]


def weigh_padded(seq: Sequences, weights: Tensor, rows: Tensor) -> Tensor:
    """Sum of the weighted rows of a padded batch, `(B, H, F)`, of one dtype; padding is multiplied as well."""
    weights = by_sequence(seq, weights)
    # The same numbers and, of one weight a step, the same memory; as a transposed matrix they take the slower product.
    weights = weights.squeeze(2).unsqueeze(1) if weights.shape[2] == 1 else weights.transpose(1, 2)
    return torch.bmm(weights, by_sequence(seq, rows))


def by_sequence(seq: Sequences, rows: Tensor) -> Tensor:
    """Padded rows as `(B, T, F)`, and such rows as the caller has them: it is its own inverse."""
    return rows.transpose(0, 1) if seq.time == 0 else rows
