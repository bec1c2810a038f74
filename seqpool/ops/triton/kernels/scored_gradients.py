"""Gradients of the average by linear scores: a row is read once, for its own gradient and for that of the query.

A program holds whole rows in one warp, as forward does, and sums the query's gradient over its own steps: no atomics.
"""

from seqpool.ops.triton.kernels.address import place, share
from seqpool.ops.triton.kernels.scored import lines, rows_at, store_heads
from seqpool.ops.triton.language import jit, tl


@jit
def _places(step, found_by, TIME: tl.constexpr, HOPS: tl.constexpr, KEEP: tl.constexpr):
    """Place of each row whose gradient is written, whether it is there, and whether it is a real step.

    Of a padded tensor, each place is there; of a table, each step.
    """
    sequence, end, start, lengths, hops, keep, keep_across, keep_along = found_by
    if TIME == -1:
        at, real = place(sequence, step, end, start, hops, keep, keep_across, keep_along, HOPS, KEEP)
        return at, real, real
    at, inside = step.to(tl.int64), step < end
    from_start = at - tl.load(start + sequence)
    real = inside & (from_start >= 0) & (from_start < tl.load(lengths + sequence))
    if KEEP:
        real = real & (tl.load(keep + sequence * keep_across + at * keep_along, mask=inside, other=0) != 0)
    return at, inside, real


@jit
def _write(to, row, places, query, grad, known, TIME: tl.constexpr):
    """Write the gradients of these rows, 0 on padding; give that of the query by each of them."""
    out, sequence, size, features, feature = to
    delta, shift, scale = known
    at, there, real = places
    match, pull = tl.sum(row * query, 2), tl.sum(row * grad, 2)
    distance = tl.where(real[None, :], match - shift, 0.0)
    weight = tl.where(real[None, :], tl.exp(distance) * scale, 0.0)
    by_score = tl.where(real[None, :], weight * (pull - delta), 0.0)
    by_row = tl.sum(weight[:, :, None] * grad + by_score[:, :, None] * query, 0, keep_dims=True)
    if TIME != -1:
        by_row = tl.where(real[None, :, None], by_row, 0.0)
    line = at if TIME == -1 else (sequence * size + at if TIME == 1 else at * size + sequence)
    mask = there[None, :, None] & (feature < features)
    tl.store(out + line[None, :, None] * features + feature, by_row.to(out.dtype.element_ty), mask=mask)
    return by_score[:, :, None] * row


@jit
def _steps(program, lengths, owners, firsts, rows, size, TIME: tl.constexpr, CHUNK: tl.constexpr):
    """Sequence of this program, and its steps; of a padded tensor, its places, padding included."""
    if TIME == -1:
        return share(program, lengths, owners, firsts, CHUNK)
    steps = size if TIME == 1 else rows // size
    begin = (program % tl.cdiv(steps, CHUNK)) * CHUNK
    return (program // tl.cdiv(steps, CHUNK)).to(tl.int64), begin, tl.minimum(begin + CHUNK, steps)


@jit
def _statistics(deltas, shift, norm, sequence, heads, HEADS: tl.constexpr):
    """What turns scores into weights and weights into gradients, `(HEADS, 1)`: delta, largest score, 1 / mass."""
    head = tl.arange(0, HEADS)[:, None]
    cell = sequence * heads + head
    delta = tl.load(deltas + cell, mask=head < heads, other=0)
    mass = tl.load(norm + cell, mask=head < heads, other=1)
    return delta, tl.load(shift + cell, mask=head < heads, other=0), 1 / tl.where(mass == 0, 1.0, mass)


@jit
def attend_by_gradient_kernel(
    out, out_query, x, query, grads, deltas, shift, norm, start, lengths, hops, keep, owners, firsts,
    across, along, query_across, keep_across, keep_along, rows, size, features, heads,
    TIME: tl.constexpr, CHUNK: tl.constexpr, HOPS: tl.constexpr, KEEP: tl.constexpr, HEADS: tl.constexpr,
    PART: tl.constexpr, STEPS: tl.constexpr, WIDTH: tl.constexpr, GRAIN: tl.constexpr, WHOLE: tl.constexpr,
):  # fmt: skip  # one line a role
    """Gradient of each row of one share, 0 on padding, and that of the query by these rows."""
    program = tl.program_id(0)
    sequence, begin, end = _steps(program, lengths, owners, firsts, rows, size, TIME, CHUNK)
    feature, inside, line, asked = lines(features * WHOLE, heads, HEADS, WIDTH)
    asks = tl.load(query + sequence * query_across * WHOLE + line, mask=asked, other=0)
    grad = tl.load(grads + sequence * heads * features * WHOLE + line, mask=asked, other=0)
    known = _statistics(deltas, shift, norm, sequence, heads, HEADS)
    found_by = sequence, end, start, lengths, hops, keep, keep_across, keep_along
    to = out, sequence, size, features * WHOLE, feature
    # Of a table, `across` is 0.
    from_x = x if TIME == -1 else x + sequence * across * GRAIN
    some = tl.arange(0, PART)
    wide = grads.dtype.element_ty
    summed = tl.zeros([HEADS, PART, WIDTH], wide)
    for first in range(begin, end, STEPS):
        a_at = _places(first + some, found_by, TIME, HOPS, KEEP)
        a = rows_at(from_x, a_at[0], a_at[2], inside, feature, along, GRAIN)
        # Both halves are on their way before the first gradient is written, which no load may pass.
        if STEPS > PART:
            b_at = _places(first + PART + some, found_by, TIME, HOPS, KEEP)
            b = rows_at(from_x, b_at[0], b_at[2], inside, feature, along, GRAIN)
        summed += _write(to, a.to(wide), a_at, asks, grad, known, TIME)
        if STEPS > PART:
            summed += _write(to, b.to(wide), b_at, asks, grad, known, TIME)
    store_heads(out_query, program, tl.sum(summed, 1), features * WHOLE, heads, HEADS, WIDTH)
