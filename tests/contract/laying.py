"""Ways to lay the same rows out, as a caller would hand them over.

What is laid are row numbers, not values: `ids` says which row each place of the caller's tensor holds, -1 where it
holds padding. So values, gradients and padding are checked in the same way everywhere.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_sequence

Rows = Sequence[Tensor]
Given = dict[str, Any]
Wrap = Callable[[Tensor, dict[str, Tensor]], tuple[Any, Given]]


@dataclass(frozen=True)
class Laid:
    """Row numbers in place, the index tensors that go with them, and how both make the caller's arguments."""

    ids: Tensor
    wrap: Wrap
    index: dict[str, Tensor] = field(default_factory=dict)


def _places(rows: Rows, columns: Sequence[Sequence[int]], width: int) -> Tensor:
    ids = torch.full((len(rows), width), -1)
    for b, (own, places) in enumerate(zip(rows, columns, strict=True)):
        ids[b, list(places)] = own
    return ids


def _longest(rows: Rows) -> int:
    return max((own.shape[0] for own in rows), default=0)


def _lengths(rows: Rows) -> dict[str, Tensor]:
    return {"lengths": torch.tensor([own.shape[0] for own in rows], dtype=torch.int64)}


def _right(rows: Rows, extra: int = 0) -> Tensor:
    return _places(rows, [range(own.shape[0]) for own in rows], _longest(rows) + extra)


def _left(rows: Rows, extra: int = 0) -> Tensor:
    width = _longest(rows) + extra
    return _places(rows, [range(width - own.shape[0], width) for own in rows], width)


def _holes(rows: Rows) -> Tensor:
    width = 2 * _longest(rows)
    return _places(rows, [sorted(torch.randperm(width)[: own.shape[0]].tolist()) for own in rows], width)


def right_padded(rows: Rows, extra: int = 0) -> Laid:
    return Laid(_right(rows, extra), lambda v, i: (v, {"lengths": i["lengths"]}), _lengths(rows))


def left_padded(rows: Rows, extra: int = 0) -> Laid:
    ids = _left(rows, extra)
    return Laid(ids, lambda v, i: (v, {"mask": i["mask"]}), {"mask": ids >= 0})


def holes(rows: Rows) -> Laid:
    ids = _holes(rows)
    return Laid(ids, lambda v, i: (v, {"mask": i["mask"]}), {"mask": (ids >= 0).long()})


def time_major(rows: Rows) -> Laid:
    ids = _right(rows, 1).t()
    return Laid(ids, lambda v, i: (v, {"lengths": i["lengths"], "batch_first": False}), _lengths(rows))


def time_major_holes(rows: Rows) -> Laid:
    ids = _holes(rows)
    return Laid(ids.t(), lambda v, i: (v, {"mask": i["mask"], "batch_first": False}), {"mask": ids >= 0})


def unpadded(rows: Rows) -> Laid:
    return Laid(_right(rows), lambda v, _: (v, {}))


def _packed(ids: PackedSequence) -> Laid:
    index = {"batch_sizes": ids.batch_sizes}
    if ids.sorted_indices is not None and ids.unsorted_indices is not None:
        index |= {"sorted_indices": ids.sorted_indices, "unsorted_indices": ids.unsorted_indices}
    return Laid(ids.data, lambda v, i: (PackedSequence(v, **i), {}), index)


def packed_sorted(rows: Rows) -> Laid:
    """No record of an order, where the sequences come longest first."""
    lengths = [own.shape[0] for own in rows]
    if lengths != sorted(lengths, reverse=True):
        return packed_unsorted(rows)
    none = torch.zeros(0, dtype=torch.int64)
    return _packed(pack_sequence(list(rows)) if rows else PackedSequence(none, none))


def packed_unsorted(rows: Rows) -> Laid:
    return _packed(pack_sequence(list(rows), enforce_sorted=False)) if rows else packed_sorted(rows)


def _bounds(rows: Rows) -> Tensor:
    return F.pad(_lengths(rows)["lengths"].cumsum(0), (1, 0))


def _end_to_end(rows: Rows) -> Tensor:
    return torch.cat([torch.zeros(0, dtype=torch.int64), *rows])


def flat(dtype: torch.dtype) -> Callable[[Rows], Laid]:
    return lambda rows: Laid(
        _end_to_end(rows), lambda v, i: (v, {"offsets": i["offsets"]}), {"offsets": _bounds(rows).to(dtype)}
    )


def nested(rows: Rows) -> Laid:
    return Laid(
        _end_to_end(rows),
        lambda v, i: (torch.nested.nested_tensor_from_jagged(v, i["offsets"]), {}),
        {"offsets": _bounds(rows)},
    )


def nested_gaps(rows: Rows) -> Laid:
    """Room for two more steps after each sequence, as a cache that grows has it."""
    roomy = [F.pad(own, (0, 2), value=-1) for own in rows]
    return Laid(
        _end_to_end(roomy),
        lambda v, i: (torch.nested.nested_tensor_from_jagged(v, i["offsets"], lengths=i["lengths"]), {}),
        {"offsets": _bounds(roomy), **_lengths(rows)},
    )


def cut_short(rows: Rows) -> Laid:
    steps = _longest(rows)
    ids = F.pad(_right(rows), (0, 3), value=-1)
    return Laid(ids, lambda v, i: (v[:, :steps], {"lengths": i["lengths"]}), _lengths(rows))


def half_features(rows: Rows) -> Laid:
    def wrap(values: Tensor, index: dict[str, Tensor]) -> tuple[Tensor, Given]:
        both = torch.cat([torch.full_like(values, float("nan")), values], -1)
        return both[..., values.shape[-1] :], {"lengths": index["lengths"]}

    return Laid(_right(rows, 1), wrap, _lengths(rows))


def channels_transposed(rows: Rows) -> Laid:
    def wrap(values: Tensor, index: dict[str, Tensor]) -> tuple[Tensor, Given]:
        return values.transpose(1, 2).contiguous().transpose(1, 2), {"lengths": index["lengths"]}

    return Laid(_right(rows, 1), wrap, _lengths(rows))


def expanded(rows: Rows) -> Laid:
    batch = len(rows)
    ids = _right(rows[:1], 2) if rows else torch.full((1, 2), -1)
    return Laid(ids, lambda v, i: (v.expand(batch, -1, -1), {"lengths": i["lengths"]}), _lengths(rows))
