"""What the caller says beside the steps: a weight of each step, a query of each sequence."""

from typing import Any

from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from seqpool.layout.sequences import Sequences


def attach_extras(seq: Sequences, weights: object, query: object) -> Sequences:
    """Carry `weights` and `query` after checking that they fit the sequences."""
    if weights is None and query is None:
        return seq
    rows = seq.weights if weights is None else _rows(seq, weights)
    return seq.with_extras(rows, seq.query if query is None else _query(seq, query))


def _rows(seq: Sequences, weights: object) -> Tensor:
    if isinstance(weights, PackedSequence):
        rows = weights.data
    elif isinstance(weights, Tensor):
        nested: Any = weights  # torch does not type what only nested tensors have
        rows = nested.values() if weights.is_nested else weights
    else:
        raise TypeError(
            f"weights must come in the layout of output, a {type(weights).__name__} came: torch.as_tensor it"
        )
    if rows.shape != seq.values.shape[:-1]:
        raise ValueError(
            f"weights must hold one number a step, shape {tuple(seq.values.shape[:-1])}, {tuple(rows.shape)} came: "
            "give them in the layout of output, without a feature axis"
        )
    if not rows.is_floating_point():
        raise TypeError(f"weights must be floating point, {rows.dtype} came: convert them")
    return rows


def _query(seq: Sequences, query: object) -> Tensor:
    if not isinstance(query, Tensor):
        raise TypeError(f"query must be a Tensor (B, Q), a {type(query).__name__} came: torch.as_tensor it")
    if query.dim() != 2 or query.shape[0] != seq.batch:
        raise ValueError(
            f"query must have shape (B, Q) with B = {seq.batch}, {tuple(query.shape)} came: give one vector a sequence"
        )
    return query
