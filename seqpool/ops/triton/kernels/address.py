"""The address formula on the device, from sequence to rows (forward) and from row to sequence (backward).

Step t of sequence b lies at `b * across + (start[b] + hop(t)) * along`. Padded tensors have two strides; tables of rows
have `across = 0`, and hop(t) is t or, packed, an entry of `hops`. Offsets are int64: a table may pass 2**31 elements.
Steps are int32, which takes half the registers: dispatch leaves longer axes to the reference.
"""

from seqpool.ops.triton.language import jit, tl


@jit
def spaced(feature, stride):
    """Offsets of these features: int64, as a stride of half a table may be int32 and its double not."""
    return feature.to(tl.int64) * stride


@jit
def share(program, lengths, owners, firsts, CHUNK: tl.constexpr):
    """Sequence that this program reads, and its steps `[begin, end)`: all, or one chunk where CHUNK is not 0.

    Loops over them count from 0: counted from `begin`, they take registers more, and some spill.
    """
    sequence = program.to(tl.int64)
    begin = program * 0
    if CHUNK:
        sequence = tl.load(owners + program)
        # A program behind the last chunk begins behind the last step, and so has nothing to do.
        begin = (program - tl.load(firsts + sequence).to(tl.int32)) * CHUNK
    end = tl.load(lengths + sequence).to(tl.int32)
    if CHUNK:
        end = tl.minimum(end, begin + CHUNK)
    return sequence, begin, end


@jit
def place(sequence, step, end, start, hops, keep, keep_across, keep_along, HOPS: tl.constexpr, KEEP: tl.constexpr):
    """Place of each step along the step axis, and whether it is real."""
    real = step < end
    hop = tl.load(hops + step, mask=real, other=0) if HOPS else step.to(tl.int64)
    at = tl.load(start + sequence) + hop
    if KEEP:
        real = real & (tl.load(keep + sequence * keep_across + at * keep_along, mask=real, other=0) != 0)
    return at, real


@jit
def rows_at(row, inside, at, real, other, along, GRAIN: tl.constexpr):
    """Features of the real rows at these places of the sequence whose place 0 is `row`, `other` where there is none."""
    mask = real[:, None] & inside[None, :]
    return tl.load(row[None, :] + at[:, None] * along * GRAIN, mask=mask, other=other)


@jit
def fetch(row, inside, step, other, found_by, HOPS: tl.constexpr, KEEP: tl.constexpr, GRAIN: tl.constexpr):
    """Features of these steps of the sequence whose place 0 is `row`, `other` where none is; places, which are real."""
    sequence, end, start, hops, keep, along, keep_across, keep_along = found_by
    at, real = place(sequence, step, end, start, hops, keep, keep_across, keep_along, HOPS, KEEP)
    return rows_at(row, inside, at, real, other, along, GRAIN), at, real


@jit
def owner(
    first, rows, size, start, lengths, keep, owners, valid, keep_across, keep_along,
    TIME: tl.constexpr, KEEP: tl.constexpr, VALID: tl.constexpr, STEPS: tl.constexpr,
):  # fmt: skip  # one line an address
    """Sequence of each row from the tile's `first` one on, its place along the step axis, and whether it is real.

    TIME is the step axis of a padded tensor, whose second axis has `size` places, or -1 for a table of rows.
    """
    some = tl.arange(0, STEPS)
    inside = some < rows - first
    if TIME == -1:
        row = first + some
        sequence = tl.load(owners + row, mask=inside, other=0)
        real = (tl.load(valid + row, mask=inside, other=0) != 0) if VALID else inside
        return sequence, row, real
    # One division of 64 bits a tile; those of its rows are of 32.
    place = (first % size).to(tl.int32) + some
    line, column = first // size + place // size, (place % size).to(tl.int64)
    sequence, at = (line, column) if TIME == 1 else (column, line)
    step = at - tl.load(start + sequence, mask=inside, other=0)
    real = inside & (step >= 0) & (step < tl.load(lengths + sequence, mask=inside, other=0))
    if KEEP:
        real = real & (tl.load(keep + sequence * keep_across + at * keep_along, mask=inside, other=0) != 0)
    return sequence, at, real
