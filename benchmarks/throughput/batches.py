"""The same seeded steps in every layout; between them lies noise that nobody may count."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from benchmarks.throughput.shapes import Shape

Output = Tensor | PackedSequence
Padded = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Layout:
    """Where the steps lie, and how callers and rivals get at them.

    `rows` is the row of the stored table of each real step, sequence after sequence; `output` and `given` are what a
    pooler takes; `padded` gives `(B, T, D)` and its mask, `flat` the rows one after another, where users have them so;
    `slices` gives each sequence alone where that takes no copy.
    """

    shape: tuple[int, ...]
    rows: Tensor
    lengths: Tensor
    output: Callable[[Tensor], Output]
    given: dict[str, Any] = field(default_factory=dict)
    padded: Callable[[Tensor], Padded] | None = None
    flat: Callable[[Tensor], Tensor] | None = None
    slices: Callable[[Tensor], Sequence[Tensor]] | None = None


@dataclass(frozen=True)
class Batch:
    """A layout and its content; `stored` is a leaf that gradients flow to."""

    layout: Layout
    stored: Tensor
    offsets: Tensor

    @property
    def size(self) -> int:
        """Sequences in the batch."""
        return self.layout.lengths.numel()

    def steps(self, table: Tensor) -> Tensor:
        """The real steps `(N, D)` of a table in this layout, sequence after sequence."""
        return table.flatten(0, -2)[self.layout.rows]


def _same(table: Tensor) -> Tensor:
    return table


def _mask(lengths: Tensor, steps: int) -> Tensor:
    return torch.arange(steps, device=lengths.device) < lengths.unsqueeze(1)


def _offsets(lengths: Tensor) -> Tensor:
    return torch.cat([lengths.new_zeros(1), lengths.cumsum(0)])


def _cut(lengths: Tensor) -> Callable[[Tensor], Sequence[Tensor]]:
    """The sequences that lie one after another."""
    each = lengths.tolist()
    return lambda table: torch.split(table, each)


def _masked(mask: Tensor, given: dict[str, Any], slices: Callable[[Tensor], Sequence[Tensor]] | None = None) -> Layout:
    """A padded `(B, T, D)` whose real steps a mask shows."""

    def padded(table: Tensor) -> Padded:
        return table, mask

    return Layout(tuple(mask.shape), mask.flatten().nonzero()[:, 0], mask.sum(1), _same, given, padded, slices=slices)


def _right(lengths: Tensor, steps: int) -> Layout:
    each = lengths.tolist()

    def slices(table: Tensor) -> list[Tensor]:
        return [x[:count] for x, count in zip(table.unbind(), each, strict=True)]

    return _masked(_mask(lengths, steps), {"lengths": lengths}, slices)


def _left(lengths: Tensor, steps: int) -> Layout:
    mask, each = _mask(lengths, steps).flip(1), lengths.tolist()

    def slices(table: Tensor) -> list[Tensor]:
        return [x[steps - count :] for x, count in zip(table.unbind(), each, strict=True)]

    return _masked(mask, {"mask": mask}, slices)


def _holes(lengths: Tensor, steps: int) -> Layout:
    """Right-padded, and a tenth of the steps masked out."""
    generator = torch.Generator().manual_seed(1)
    kept = (torch.rand(lengths.numel(), steps, generator=generator) < 0.9).to(lengths.device)
    kept[:, 0] = True
    mask = _mask(lengths, steps) & kept
    return _masked(mask, {"mask": mask})


def _time_major(lengths: Tensor, steps: int) -> Layout:
    mask, each = _mask(lengths, steps), lengths.tolist()
    owner, step = mask.nonzero().unbind(1)

    def padded(table: Tensor) -> Padded:
        return table.transpose(0, 1), mask

    def slices(table: Tensor) -> list[Tensor]:
        return [x[:count] for x, count in zip(table.unbind(1), each, strict=True)]

    given = {"lengths": lengths, "batch_first": False}
    rows = step * lengths.numel() + owner
    return Layout((steps, lengths.numel()), rows, lengths, _same, given, padded, slices=slices)


def _packed(lengths: Tensor, steps: int) -> Layout:
    numbers = torch.arange(lengths.numel() * steps).reshape(-1, steps, 1)
    packed = pack_padded_sequence(numbers, lengths.cpu(), batch_first=True, enforce_sorted=False)
    place = torch.empty(numbers.numel(), dtype=torch.int64)
    place[packed.data[:, 0]] = torch.arange(packed.data.shape[0])
    order = [None if index is None else index.to(lengths.device) for index in packed[2:]]
    mask = _mask(lengths, steps)

    def output(table: Tensor) -> PackedSequence:
        return PackedSequence(table, packed.batch_sizes, *order)

    def padded(table: Tensor) -> Padded:
        x, counts = pad_packed_sequence(output(table), batch_first=True)
        return x, _mask(counts.to(table.device), x.shape[1])

    rows = place.to(lengths.device)[mask.flatten()]
    return Layout((rows.numel(),), rows, lengths, output, padded=padded)


def _flat(lengths: Tensor, _: int) -> Layout:
    rows = torch.arange(int(lengths.sum()), device=lengths.device)
    return Layout((rows.numel(),), rows, lengths, _same, {"offsets": _offsets(lengths)}, None, _same, _cut(lengths))


def _nested(lengths: Tensor, steps: int) -> Layout:
    offsets, mask = _offsets(lengths), _mask(lengths, steps)
    least = int(lengths.min())

    def output(table: Tensor) -> Tensor:
        # Without the bounds of the lengths, padding it waits for the device, and pads to all rows.
        jagged: Tensor = torch.nested.nested_tensor_from_jagged(table, offsets, min_seqlen=least, max_seqlen=steps)
        return jagged

    def padded(table: Tensor) -> Padded:
        return torch.nested.to_padded_tensor(output(table), 0.0), mask

    rows = torch.arange(int(lengths.sum()), device=lengths.device)
    return Layout((rows.numel(),), rows, lengths, output, {}, padded, _same, _cut(lengths))


LAYOUTS: dict[str, Callable[[Tensor, int], Layout]] = {
    "padded": _right,
    "left-padded": _left,
    "holes": _holes,
    "time-major": _time_major,
    "packed": _packed,
    "flat": _flat,
    "nested": _nested,
}


def build(name: str, shape: Shape, dtype: torch.dtype, device: torch.device) -> Batch:
    """A seeded batch."""
    layout = LAYOUTS[name](shape.lengths().to(device), shape.steps)
    generator = torch.Generator(device).manual_seed(0)
    steps = torch.randn(layout.rows.numel(), shape.features, generator=generator, device=device).to(dtype)
    table = torch.randn(*layout.shape, shape.features, generator=generator, device=device).to(dtype)
    table.flatten(0, -2)[layout.rows] = steps
    return Batch(layout, table.requires_grad_(), _offsets(layout.lengths))
