"""A pooler on a batch in a layout, and the one-sequence definition on the same sequences."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

import seqpool
from seqpool.poolers.base import Pooler
from tests.contract.batches import Batch
from tests.contract.discovery import Case
from tests.contract.laying import Laid
from tests.contract.layouts import Layout

Inputs = dict[str, Tensor]
"""Every tensor of a call: `values`, the layout's index tensors, and what the pooler needs beside them."""


@dataclass(frozen=True)
class Run:
    """One call of a pooler."""

    pooled: Tensor
    inputs: Inputs
    padding: Tensor
    """Which places of the caller's tensor are padding; NaN and infinities lie there."""

    @property
    def values(self) -> Tensor:
        return self.inputs["values"]


def fill(table: Tensor, ids: Tensor) -> Tensor:
    """Rows in their places, NaN and infinities everywhere else."""
    junk = table.new_tensor([float("nan"), float("inf"), float("-inf")])
    row = junk[torch.arange(table.shape[1]) % 3].unsqueeze(0)
    return torch.cat([table, row])[ids]


def inputs_of(pooler: Pooler, batch: Batch, layout: Layout, laid: Laid) -> Inputs:
    """The tensors that a caller has."""
    tensors = {"values": fill(batch.table, laid.ids), **laid.index}
    states = ("h_n", "c_n") if layout.states else tuple(name for name in ("h_n", "c_n") if name in pooler.needs)
    tensors |= {name: batch.states[name] for name in states}
    if "weights" in pooler.needs:
        tensors["weights"] = fill(batch.extras["weights"].unsqueeze(1), laid.ids)
    if "query" in pooler.needs:
        tensors["query"] = batch.extras["query"]
    return tensors


def arguments(layout: Layout, laid: Laid, inputs: Inputs) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """What the caller hands over."""
    index = {name: inputs[name] for name in laid.index}
    output, given = laid.wrap(inputs["values"], index)
    states = (inputs["h_n"], inputs["c_n"]) if "c_n" in inputs else inputs.get("h_n")
    extras: dict[str, Any] = {}
    if "weights" in inputs:
        extras["weights"] = _without_features(laid.wrap(inputs["weights"], index)[0])
    if "query" in inputs:
        extras["query"] = inputs["query"]
    if layout.shared:
        return (seqpool.view(output, states, **given),), extras
    return (output, states), given | extras


def _without_features(output: Any) -> Any:
    if isinstance(output, PackedSequence):
        return output._replace(data=output.data[:, 0])
    if output.is_nested:
        values, offsets = output.values()[:, 0], output.offsets()
        return torch.nested.nested_tensor_from_jagged(values, offsets, lengths=output.lengths())
    return output[..., 0]


def run(
    pooler: Pooler,
    batch: Batch,
    layout: Layout,
    mode: AbstractContextManager[object] = nullcontext(),  # noqa: B008  # it holds no state
    call: Callable[..., Tensor] | None = None,
) -> Run:
    """Pool `batch`, whose sequences the layout must be able to hold.

    Just the pooler, or what was made of it to `call` in its stead, runs in `mode`.
    """
    laid = layout.lay(batch.rows)
    inputs = inputs_of(pooler, batch, layout, laid)
    args, given = arguments(layout, laid, inputs)
    with mode:
        pooled = pooler(*args, **given) if call is None else call(*args, **given)
    return Run(pooled, inputs, laid.ids < 0)


def fitted(batch: Batch, layout: Layout) -> Batch:
    """The sequences that the layout can hold, in its order."""
    return batch.take(layout.fit(batch.lengths))


def oracle(pooler: Pooler, batch: Batch) -> Tensor:
    """The definition, one sequence at a time; zeros for an empty one."""
    width = pooler.out_features(batch.table.shape[1])
    pooled = [
        pooler.one(batch.table[rows], *batch.beside(b, pooler.needs)) if rows.shape[0] else batch.table.new_zeros(width)
        for b, rows in enumerate(batch.rows)
    ]
    return torch.stack(pooled) if pooled else batch.table.new_zeros(0, width)


def gradients(pooled: Tensor, at: Sequence[Tensor], cotangent: Tensor, *, retain: bool = True) -> list[Tensor]:
    """Gradients at `at`, zeros where nothing flows."""
    if not pooled.requires_grad:
        return [torch.zeros_like(leaf) for leaf in at]
    return list(torch.autograd.grad(pooled, at, cotangent, retain, allow_unused=True, materialize_grads=True))


def assert_agree(case: Case, got: Tensor, want: Tensor) -> None:
    """Bit for bit where the pooler is exact, within the dtype's defaults elsewhere."""
    tolerance = 0.0 if case.exact else None
    torch.testing.assert_close(got, want, equal_nan=True, rtol=tolerance, atol=tolerance)
