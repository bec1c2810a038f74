"""One ragged batch in every layout, laid out by plain loops and PyTorch's own packing; padding and holes are NaN."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_sequence

import seqpool

NAN = float("nan")
Ragged = Sequence[Tensor]


@dataclass(frozen=True)
class Laid:
    """What a caller would hand to a pooler."""

    output: Tensor | PackedSequence
    given: dict[str, Any] = field(default_factory=dict)

    def view(self) -> seqpool.Sequences:
        """The batch as the library sees it."""
        return seqpool.view(self.output, **self.given)

    def rows(self) -> Tensor:
        """The caller's rows, in the shape that the verbs expect."""
        if isinstance(self.output, PackedSequence):
            return self.output.data
        if not self.output.is_nested:
            return self.output
        values: Tensor = self.output.values()
        return values


def lengths_of(ragged: Ragged) -> list[int]:
    return [x.shape[0] for x in ragged]


def place(ragged: Ragged, steps: Sequence[Sequence[int]], width: int) -> tuple[Tensor, Tensor]:
    """Row k of sequence b at step `steps[b][k]` of a `(B, width, D)` tensor of NaN, and the mask of the rows."""
    columns, mask = [], torch.zeros(len(ragged), width, dtype=torch.bool)
    for b, (x, places) in enumerate(zip(ragged, steps, strict=True)):
        column = [x.new_full((x.shape[1],), NAN)] * width
        for k, t in enumerate(places):
            column[t] = x[k]
            mask[b, t] = True
        columns.append(torch.stack(column))
    return torch.stack(columns), mask


def right(ragged: Ragged, *, extra: int = 1) -> Laid:
    lengths = lengths_of(ragged)
    padded, _ = place(ragged, [range(n) for n in lengths], max(lengths) + extra)
    return Laid(padded, {"lengths": lengths})


def right_mask(ragged: Ragged) -> Laid:
    lengths = lengths_of(ragged)
    padded, mask = place(ragged, [range(n) for n in lengths], max(lengths) + 1)
    return Laid(padded, {"mask": mask})


def left(ragged: Ragged) -> Laid:
    lengths = lengths_of(ragged)
    width = max(lengths) + 1
    padded, mask = place(ragged, [range(width - n, width) for n in lengths], width)
    return Laid(padded, {"mask": mask.to(torch.int32)})


def _holed(ragged: Ragged) -> tuple[Tensor, Tensor]:
    # A hole after every even step, and a lead that differs from sequence to sequence.
    steps = [[b % 3 + k + (k + 1) // 2 for k in range(n)] for b, n in enumerate(lengths_of(ragged))]
    return place(ragged, steps, 1 + max((t for places in steps for t in places), default=0) + 1)


def holes(ragged: Ragged) -> Laid:
    padded, mask = _holed(ragged)
    return Laid(padded, {"mask": mask})


def time_major(ragged: Ragged) -> Laid:
    laid = right(ragged)
    assert isinstance(laid.output, Tensor)
    return Laid(laid.output.transpose(0, 1).contiguous(), {**laid.given, "batch_first": False})


def time_major_holes(ragged: Ragged) -> Laid:
    padded, mask = _holed(ragged)
    return Laid(padded.transpose(0, 1).contiguous(), {"mask": mask.to(torch.float32), "batch_first": False})


def cropped(ragged: Ragged) -> Laid:
    laid = right(ragged, extra=5)
    assert isinstance(laid.output, Tensor)
    return Laid(laid.output[:, :-3], laid.given)


def sliced_features(ragged: Ragged) -> Laid:
    laid = right(ragged)
    assert isinstance(laid.output, Tensor)
    wide = torch.cat([torch.full_like(laid.output, NAN), laid.output, torch.full_like(laid.output, NAN)], -1)
    width = laid.output.shape[-1]
    return Laid(wide[..., width : 2 * width], laid.given)


def odd_pitch(ragged: Ragged) -> Laid:
    """Rows in a buffer whose pitch is no whole number of rows."""
    laid = right(ragged)
    assert isinstance(laid.output, Tensor)
    return Laid(torch.cat([torch.full_like(laid.output[..., :1], NAN), laid.output], -1)[..., 1:], laid.given)


def channels_first(ragged: Ragged) -> Laid:
    laid = right(ragged)
    assert isinstance(laid.output, Tensor)
    return Laid(laid.output.transpose(1, 2).contiguous().transpose(1, 2), laid.given)


def every_second(ragged: Ragged) -> Laid:
    lengths = lengths_of(ragged)
    padded, _ = place(ragged, [range(0, 2 * n, 2) for n in lengths], 2 * max(lengths) + 3)
    return Laid(padded[:, ::2], {"lengths": torch.tensor(lengths, dtype=torch.int32)})


def _bounds(ragged: Ragged) -> list[int]:
    bounds = [0]
    for n in lengths_of(ragged):
        bounds.append(bounds[-1] + n)
    return bounds


def flat(ragged: Ragged) -> Laid:
    return Laid(torch.cat(list(ragged)), {"offsets": torch.tensor(_bounds(ragged))})


def flat_int32(ragged: Ragged) -> Laid:
    return Laid(torch.cat(list(ragged)), {"offsets": torch.tensor(_bounds(ragged), dtype=torch.int32)})


def flat_list(ragged: Ragged) -> Laid:
    """Offsets in a list, over every second row of a buffer."""
    rows = torch.cat(list(ragged))
    return Laid(torch.stack([rows, torch.full_like(rows, NAN)], 1).flatten(0, 1)[::2], {"offsets": _bounds(ragged)})


def jagged(ragged: Ragged) -> Laid:
    offsets = torch.tensor(_bounds(ragged))
    return Laid(torch.nested.nested_tensor_from_jagged(torch.cat(list(ragged)), offsets))


def narrowed(ragged: Ragged) -> Laid:
    """A jagged view into a padded tensor: rows before, between and after the sequences are nobody's."""
    lengths = torch.tensor(lengths_of(ragged))
    starts = 1 + torch.arange(len(ragged)) % 2
    width = int(lengths.max()) + 3
    padded, _ = place(ragged, [range(int(s), int(s + n)) for s, n in zip(starts, lengths, strict=True)], width)
    return Laid(torch.nested.narrow(padded, 1, starts, lengths, layout=torch.jagged))


def packed(ragged: Ragged) -> Laid:
    return Laid(pack_sequence(list(ragged), enforce_sorted=False))


def packed_sorted(ragged: Ragged) -> Laid:
    return Laid(pack_sequence(list(ragged), enforce_sorted=True))


LAYOUTS: dict[str, Callable[[Ragged], Laid]] = {
    layout.__name__: layout
    for layout in (
        right, right_mask, left, holes, time_major, time_major_holes, cropped, sliced_features, odd_pitch,
        channels_first, every_second, flat, flat_int32, flat_list, jagged, narrowed, packed, packed_sorted,
    )
}  # fmt: skip  # a table


def holds(layout: str, lengths: Sequence[int]) -> bool:
    """Whether sequences of these lengths exist in the layout."""
    if not layout.startswith("packed"):
        return True
    return 0 not in lengths and (layout == "packed" or list(lengths) == sorted(lengths, reverse=True))


def cases(*batches: Sequence[int]) -> list[tuple[str, tuple[int, ...]]]:
    """Every layout with each of these batches of lengths that it can hold."""
    return [(layout, tuple(lengths)) for lengths in batches for layout in LAYOUTS if holds(layout, lengths)]
