"""The verb that orders steps by value, in plain PyTorch on every device."""

import torch
from torch import Tensor

from seqpool.layout import Sequences
from seqpool.ops import segment, slices


def sort(seq: Sequences, rows: Tensor, *, descending: bool = False) -> tuple[Sequences, Tensor]:
    """Put each feature's real steps in order of value, one sequence after the other, the padding behind them.

    NaN counts as the largest value. Ties keep the order of the steps, in exported graphs too. The gradient goes to the
    rows that the values came from.

    Args:
        seq: the sequences.
        rows: `(*rows, F)`; what lies in padding is moved, never compared with a real step.
        descending: the largest value first.

    Returns:
        The sequences of sorted rows, for every other verb: step k of one holds each feature's k-th value. And the place
        along the row axis (the step axis of a padded tensor) that each value came from, `(*rows, F)`.
    """
    axis = seq.time or 0
    by_slices = segment.by_slices(seq, rows, 2048)
    order = (_order_by_slices if by_slices else _order)(seq, rows.detach(), axis, descending)
    start = torch.zeros_like(seq.count) if seq.time is not None else seq.count.cumsum(0) - seq.count
    ordered = Sequences(
        values=rows.gather(axis, order),
        lengths=seq.count,
        count=seq.count,
        start=start,
        time=seq.time,
        full=seq.full,
    )
    return ordered, order


def _order(seq: Sequences, rows: Tensor, axis: int, descending: bool) -> Tensor:
    # ONNX has no stable sort, so a second sort decides by whole numbers, which cannot tie: group, value, place.
    size = rows.shape[axis]
    values, place = rows.sort(dim=axis, descending=descending)
    before = values.roll(1, axis)
    level = ((values != before) & ~(values.isnan() & before.isnan())).cumsum(axis)
    key = level * size + place
    group = _group(seq)
    if group is not None:
        key = key + group.unsqueeze(-1).expand_as(rows).gather(axis, place) * (size + 1) * size
    return place.gather(axis, key.sort(dim=axis).indices)


def _order_by_slices(seq: Sequences, rows: Tensor, axis: int, descending: bool) -> Tensor:
    """The same on the CPU, padding not sorted, in a third to a sixth of the time."""
    places = slices.places(seq, rows)
    found = [
        place.squeeze(1).index_select(0, each.sort(dim=0, descending=descending, stable=True).indices.flatten())
        for each, place in zip(slices.each(seq, rows), places, strict=True)
    ]
    columns = [place.view(-1, rows.shape[-1]) for place in found]
    valid = seq.valid()
    padding = torch.zeros(rows.shape[:-1], dtype=torch.bool) if valid is None else ~valid
    if seq.time is None:
        return torch.cat([*columns, padding.nonzero().expand(-1, rows.shape[-1])])
    rest = [one.nonzero().expand(-1, rows.shape[-1]) for one in padding.unbind(1 - axis)]
    return torch.stack([torch.cat(both) for both in zip(columns, rest, strict=True)], 1 - axis)


def _group(seq: Sequences) -> Tensor | None:
    """What rows are sorted by before their value: padding last, and where sequences share an axis, their number."""
    valid = seq.valid()
    if seq.time is not None:
        return None if valid is None else (~valid).long()
    return seq.owner() if valid is None else torch.where(valid, seq.owner(), seq.batch)
