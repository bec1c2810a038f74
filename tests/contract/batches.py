"""Sequences before any layout: rows of one table, and what goes with them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

INPUT = 3


@dataclass(frozen=True)
class Batch:
    """Sequences as row numbers into a table of real steps."""

    leaves: tuple[Tensor, ...]
    """What the table and the rest were computed from, and what gradients are compared at."""
    table: Tensor
    rows: tuple[Tensor, ...]
    states: dict[str, Tensor]
    """`h_n` and `c_n`, `(L*dirs, B, H)`, where an RNN made the table."""
    extras: dict[str, Tensor]
    """`weights (N,)`, one a row of the table, and `query (B, Q)`, where the pooler needs them."""

    @property
    def lengths(self) -> list[int]:
        return [rows.shape[0] for rows in self.rows]

    def take(self, order: Sequence[int]) -> "Batch":
        """The sequences of these numbers, in this order."""
        order = list(order)
        states = {name: state[:, order] for name, state in self.states.items()}
        extras = {name: extra if name == "weights" else extra[order] for name, extra in self.extras.items()}
        return replace(self, rows=tuple(self.rows[b] for b in order), states=states, extras=extras)

    def beside(self, b: int, needs: Sequence[str]) -> list[Tensor]:
        """What `one` gets beside the steps of sequence `b`."""
        own = {name: state[:, b] for name, state in self.states.items()}
        if "weights" in self.extras:
            own["weights"] = self.extras["weights"][self.rows[b]]
        if "query" in self.extras:
            own["query"] = self.extras["query"][b]
        return [own[need] for need in needs]

    def to(self, dtype: torch.dtype) -> "Batch":
        """The same numbers in another dtype, and gradients counted from there on."""

        def leaf(tensor: Tensor) -> Tensor:
            return tensor.detach().to(dtype).requires_grad_()

        table = leaf(self.table)
        states = {name: leaf(state) for name, state in self.states.items()}
        extras = {name: leaf(extra) for name, extra in self.extras.items()}
        leaves = (table, *states.values(), *extras.values())
        return replace(self, leaves=leaves, table=table, states=states, extras=extras)


def lstm(width: int, layers: int, directions: int, dtype: torch.dtype = torch.float32) -> nn.LSTM:
    """A frozen LSTM whose output is `width` wide."""
    rnn = nn.LSTM(INPUT, width // directions, layers, bidirectional=directions == 2, dtype=dtype)
    return rnn.requires_grad_(False)


def assemble(
    leaves: Sequence[Tensor], lengths: Sequence[int], names: Sequence[str] = (), rnn: nn.LSTM | None = None
) -> Batch:
    """Cut `leaves[0] (N, D)` into sequences, through `rnn` where one is given; further leaves are named by `names`."""
    root, *beside = leaves
    rows = torch.split(torch.arange(root.shape[0]), list(lengths))
    batch = Batch(tuple(leaves), root, rows, {}, dict(zip(names, beside, strict=True)))
    return batch if rnn is None else _encoded(batch, rnn)


def _encoded(batch: Batch, rnn: nn.LSTM) -> Batch:
    """The batch as `rnn` returns it when it runs packed; the states of empty sequences are NaN."""
    root = batch.table
    some = [b for b, n in enumerate(batch.lengths) if n]
    directions = 2 if rnn.bidirectional else 1
    nothing = root.new_full((rnn.num_layers * directions, len(batch.rows), rnn.hidden_size), float("nan"))
    if not some:
        table = root.new_zeros(0, rnn.hidden_size * directions).requires_grad_()
        return replace(batch, table=table, states={"h_n": nothing, "c_n": nothing})
    packed = nn.utils.rnn.pack_sequence([root[batch.rows[b]] for b in some], enforce_sorted=False)
    output, finals = rnn(packed)
    table = torch.cat(nn.utils.rnn.unpack_sequence(output))
    states = [nothing.index_copy(1, torch.tensor(some), final) for final in finals]
    return replace(batch, table=table, states=dict(zip(("h_n", "c_n"), states, strict=True)))
