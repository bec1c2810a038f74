"""The one gate: any layout becomes `Sequences` without moving a row."""

from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from seqpool.layout.checks import (
    Integers,
    check_lengths,
    check_lone,
    check_mask,
    check_offsets,
    check_one_of,
    check_values,
    integers,
    refuse_output,
)
from seqpool.layout.host import on_host
from seqpool.layout.sequences import Sequences
from seqpool.layout.states import attach_states, split_states

Output = Tensor | PackedSequence | Sequences
States = Tensor | tuple[Tensor, Tensor]


def view(
    output: Output,
    h_n: States | None = None,
    *,
    lengths: Integers | None = None,
    mask: Tensor | None = None,
    offsets: Integers | None = None,
    batch_first: bool = True,
) -> Sequences:
    r"""See any layout as sequences of rows, without moving one.

    .. math:: row(b, t) = origin_b + hop(t)

    Source: this library.

    Args:
        output: a padded tensor, a `PackedSequence`, a jagged `NestedTensor`, rows with `offsets`, or a view.
        h_n: the RNN's final states, or the LSTM's `(h_n, c_n)`.
        lengths: real steps of each sequence of a right-padded tensor.
        mask: which steps of a padded tensor are real; padding on either side and holes are allowed.
        offsets: where each sequence starts in flat rows, and the end (`cu_seqlens`).
        batch_first: whether a padded tensor is `(B, T, D)` rather than `(T, B, D)`.

    Shape:
        output `(B, T, D)`, `(T, B, D)` or `(N, D)`; lengths `(B,)`; mask `(B, T)`; offsets `(B + 1,)`.

    Raises:
        TypeError: `output` is no batch of sequences, or not floating point; lengths or offsets are no whole numbers.
        ValueError: the description of the steps does not fit `output`, or `h_n` does not belong to it.

    Example:
        >>> x = torch.tensor([[[1.0], [2.0]], [[3.0], [9.0]]])
        >>> seq = view(x, lengths=[2, 1])
        >>> MaskedMeanPooler()(seq).tolist()
        [[1.5], [3.0]]
    """
    given: dict[str, object] = {"lengths": lengths, "mask": mask, "offsets": offsets}
    if isinstance(output, Sequences):
        check_lone("a view", given)
        if h_n is not None:
            raise ValueError("a view carries its own states, h_n came as well: give h_n to seqpool.view instead")
        return output
    hidden, cell = split_states(h_n)
    if isinstance(output, PackedSequence):
        check_lone("a PackedSequence", given)
        seq = _packed(output, None if hidden is None else hidden.shape[1])
    elif not isinstance(output, Tensor):
        refuse_output(output)
    elif output.is_nested:
        check_lone("a NestedTensor", given)
        seq = _nested(output)
    elif output.dim() == 2:
        if offsets is None:
            raise ValueError(
                f"rows {tuple(output.shape)} need offsets (B + 1 numbers from 0 to {output.shape[0]}), none came: "
                "give them, or a batch of one as output.unsqueeze(0)"
            )
        check_lone("offsets", {"lengths": lengths, "mask": mask})
        seq = _flat(output, offsets)
    else:
        check_one_of(given)
        if offsets is not None:
            raise ValueError(f"offsets go with rows (N, D), shape {tuple(output.shape)} came: use lengths or mask")
        seq = _padded(output, lengths, mask, 1 if batch_first else 0)
    return attach_states(seq, hidden, cell)


def _padded(values: Tensor, lengths: Integers | None, mask: Tensor | None, time: int) -> Sequences:
    check_values(values, 3)
    batch, steps = values.shape[1 - time], values.shape[time]
    if mask is not None:
        return _masked(values, check_mask(mask, batch, steps).to(values.device), time)
    start = torch.zeros(batch, dtype=torch.int64, device=values.device)
    if lengths is None:
        count = torch.full_like(start, steps)
        return Sequences(values=values, lengths=count, count=count, start=start, time=time)
    count = integers("lengths", lengths, values.device)
    check_lengths(count, batch, steps)
    return Sequences(values=values, lengths=count, count=count, start=start, time=time, full=False)


def _masked(values: Tensor, mask: Tensor, time: int) -> Sequences:
    steps = values.shape[time]
    count = mask.sum(1)
    if steps == 0:
        start = span = count
    else:
        step = torch.arange(steps, device=mask.device)
        start = torch.where(mask, step, steps).amin(1)
        span = (torch.where(mask, step, -1).amax(1) + 1 - start).clamp(min=0)
        start = torch.where(count > 0, start, 0)
    keep = mask if time == 1 else mask.transpose(0, 1)
    return Sequences(values=values, lengths=span, count=count, start=start, time=time, keep=keep, full=False)


def _packed(packed: PackedSequence, batch: int | None) -> Sequences:
    values, sizes = packed.data, packed.batch_sizes
    check_values(values, 2)
    start = packed.unsorted_indices
    if start is None:
        # Where the host must not read batch_sizes, h_n knows the batch as well.
        if batch is None or on_host(sizes):
            batch = int(sizes[0]) if sizes.shape[0] else 0
        start = torch.arange(batch, device=values.device)
    sizes = sizes.to(values.device, non_blocking=values.device.type != "cpu")
    place = torch.arange(start.shape[0], device=values.device)
    lengths = (sizes.shape[0] - torch.bucketize(place, sizes.flip(0), right=True))[start]
    hops = sizes.cumsum(0) - sizes
    order = packed.sorted_indices
    return Sequences(values=values, lengths=lengths, count=lengths, start=start, hops=hops, order=order, source=packed)


def _flat(values: Tensor, offsets: Integers) -> Sequences:
    check_values(values, 2)
    bounds = integers("offsets", offsets, values.device)
    check_offsets(bounds, values.shape[0])
    lengths = bounds.diff()
    return Sequences(values=values, lengths=lengths, count=lengths, start=bounds[:-1])


def _nested(nested: Any) -> Sequences:
    # Any: torch does not type what only nested tensors have.
    if nested.layout != torch.jagged:
        raise ValueError("a NestedTensor must be jagged, a strided one came: build it with layout=torch.jagged")
    if nested.dim() != 3 or nested._ragged_idx != 1:
        cure = {2: "unsqueeze(-1) scalars", 3: "transpose it so that features come last"}.get(
            nested.dim(), "flatten heads"
        )
        raise ValueError(
            f"a jagged NestedTensor must be (B, jagged, D), {nested.dim()} dimensions came with the jagged one at "
            f"{nested._ragged_idx}: {cure}"
        )
    values, bounds, lengths = nested.values(), nested.offsets().to(torch.int64), nested.lengths()
    check_values(values, 2)
    full = lengths is None
    lengths = bounds.diff() if lengths is None else lengths.to(torch.int64)
    return Sequences(values=values, lengths=lengths, count=lengths, start=bounds[:-1], full=full, source=nested)
