"""Where the extreme steps lie that `peaks` found, on the CPU: each real number is compared once, and once is enough."""

import math

import torch
from torch import Tensor

from seqpool.layout import Sequences
from seqpool.ops import slices, steps
from seqpool.ops.rows import accumulator

NEVER = 2**62
"""A number that no step has."""
LONG = 131072
"""Numbers that are compared at once, and stay in the cache until the first is found."""
SHORT = 64
"""Steps that are compared at once, however wide they are."""


def place(seq: Sequences, rows: Tensor, best: Tensor, largest: bool) -> Tensor:
    """Place along the row axis of the first real row that is the extreme `best`, `(B, F)`; any for an empty one."""
    limit = _short_of(best, largest)
    found = (_by_steps if steps.fit(seq, rows) else _by_slices)(seq, rows, limit, largest)
    step = torch.where(some(seq), _step(found), 0)
    if slices.unbroken(seq):
        return torch.where(some(seq), seq.start.unsqueeze(1) + (step if seq.hops is None else seq.hops[step]), 0)
    each = zip(slices.places(seq, rows), step, strict=True)
    return torch.stack([here[:, 0].index_select(0, one) if here.shape[0] else one for here, one in each])


def some(seq: Sequences) -> Tensor:
    """Whether a sequence has a real step, `(B, 1)`."""
    return (seq.count > 0).unsqueeze(1)


def _short_of(best: Tensor, largest: bool) -> Tensor:
    """What all steps reach before the first extreme one, and it does not: one comparison then finds NaN as well."""
    best = best.to(accumulator(best.dtype))
    towards = -math.inf if largest else math.inf
    limit = best.nextafter(best.new_tensor(towards))
    # Where the processor takes the numbers next to 0 for 0, the nearest that it tells apart.
    limit = torch.where(limit == best, best + math.copysign(torch.finfo(best.dtype).tiny, towards), limit)
    return torch.where(best.isnan(), -towards, limit)


def _by_steps(seq: Sequences, rows: Tensor, limit: Tensor, largest: bool) -> Tensor:
    """Number of the first real step beyond the limit, `(B, F)`; `NEVER` or more where none is."""
    order, places = steps.walk(seq, rows)
    limit = limit.index_select(0, order)
    found, room = torch.full_like(limit, NEVER), torch.empty_like(limit)
    for step, each in enumerate(slices.copies(rows, places, limit.dtype)):
        count = each.shape[0]
        numbers = _numbers(each, limit.new_tensor(step), limit[:count], largest, room[:count])
        torch.minimum(found[:count], numbers, out=found[:count])
    return steps.back(order, found)


def _by_slices(seq: Sequences, rows: Tensor, limit: Tensor, largest: bool) -> Tensor:
    """Number of the first real step beyond the limit, `(B, F)`; `NEVER` or more where none is."""
    if int(seq.count.max()) >= 2**24:  # a step's number must be exact
        limit = limit.double()
    room = limit.new_empty(max(LONG, SHORT * rows.shape[-1]))
    each = zip(slices.each(seq, rows), limit, strict=True)
    return torch.stack([_of_one(here, edge, largest, room) for here, edge in each])


def _of_one(rows: Tensor, limit: Tensor, largest: bool, room: Tensor) -> Tensor:
    """The same of one sequence `(n, F)`, `(F,)`; of a long one, in the first block that has such a step."""
    count = rows.shape[0]
    if count == 0:
        return limit
    if count <= SHORT or rows.numel() <= LONG:
        number = torch.arange(count, dtype=limit.dtype).unsqueeze(1)
        return _numbers(rows.to(limit.dtype), number, limit, largest, room[: rows.numel()].view(rows.shape)).amin(0)
    size, reduce = math.isqrt(count) // 2, torch.amax if largest else torch.amin
    whole = rows[: count - count % size].view(-1, size, rows.shape[1])
    # Steps that the final block shares with the one before it are found in that one.
    blocks = torch.cat([reduce(whole, 1), reduce(rows[-size:], 0, keepdim=True)])
    start = _step(_of_one(blocks, limit, largest, room)) * size
    near = (start + torch.arange(size).unsqueeze(1)).clamp_(max=count - 1)
    return start + _of_one(rows.gather(0, near), limit, largest, room)


def _numbers(rows: Tensor, number: Tensor, limit: Tensor, largest: bool, room: Tensor) -> Tensor:
    """The rows' numbers where they are beyond the limit, `NEVER` or more elsewhere; written into `room`."""
    # Written as numbers, in a quarter of the time that booleans take.
    short = (torch.le if largest else torch.ge)(rows, limit, out=room)
    return torch.add(number, short, alpha=NEVER, out=room)


def _step(number: Tensor) -> Tensor:
    """What `_numbers` found; where no step is beyond the limit all are as far, and step 0 is the first extreme one."""
    return torch.where(number < NEVER, number, 0).long()
