"""Gradients of the average by linear scores: a row is read once, for its own gradient and for that of the query.

A program holds whole rows in one warp, as forward does, and sums the query's gradient over its own steps: no atomics.
"""

from seqpool.ops.triton.kernels.address import place, rows_at, share
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
        real = real & (tl.load(keep + sequence * keep_across + at * keep_along, mask=real, other=0) != 0)
    return at, inside, real


@jit
def _write(to, row, places, query, grad, known, TIME: tl.constexpr):
    """Write the gradients of these rows, 0 on padding; give that of the query by each of them."""
    out, sequence, size, features, feature = to
    delta, shift, scale = known
    at, there, real = places
    match, pull = tl.sum(row * query[None, :], 1), tl.sum(row * grad[None, :], 1)
    weight = tl.exp(tl.where(real, match - shift, float("-inf"))) * scale
    by_score = tl.where(real, weight * (pull - delta), 0.0)
    by_row = weight[:, None] * grad[None, :] + by_score[:, None] * query[None, :]
    if TIME != -1:
        by_row = tl.where(real[:, None], by_row, 0.0)
    line = at if TIME == -1 else (sequence * size + at if TIME == 1 else at * size + sequence)
    mask = there[:, None] & (feature < features)[None, :]
    tl.store(out + line[:, None] * features + feature[None, :], by_row.to(out.dtype.element_ty), mask=mask)
    return by_score[:, None] * row


@jit
def _steps(program, lengths, owners, firsts, rows, size, TIME: tl.constexpr, CHUNK: tl.constexpr):
    """Sequence of this program, and its steps; of a padded tensor, its places, padding included."""
    if TIME == -1:
        return share(program, lengths, owners, firsts, CHUNK)
    steps = size if TIME == 1 else rows // size
    begin = (program % tl.cdiv(steps, CHUNK)) * CHUNK
    return (program // tl.cdiv(steps, CHUNK)).to(tl.int64), begin, tl.minimum(begin + CHUNK, steps)


@jit
def attend_by_gradient_kernel(
    out, out_query, x, query, grads, deltas, shift, norm, start, lengths, hops, keep, owners, firsts,
    across, along, query_across, keep_across, keep_along, rows, size, features,
    TIME: tl.constexpr, CHUNK: tl.constexpr, HOPS: tl.constexpr, KEEP: tl.constexpr,
    PART: tl.constexpr, STEPS: tl.constexpr, WIDTH: tl.constexpr, GRAIN: tl.constexpr, WHOLE: tl.constexpr,
):  # fmt: skip  # one line a role
    """Gradient of each row of one share, 0 on padding, and that of the query by these rows."""
    program = tl.program_id(0)
    sequence, begin, end = _steps(program, lengths, owners, firsts, rows, size, TIME, CHUNK)
    feature = tl.arange(0, WIDTH)
    inside = feature < features * WHOLE
    asks = tl.load(query + sequence * query_across * WHOLE + feature, mask=inside, other=0)
    grad = tl.load(grads + sequence * features * WHOLE + feature, mask=inside, other=0)
    # What turns scores into weights and weights into gradients: delta, largest score, 1 / mass.
    mass = tl.load(norm + sequence)
    known = tl.load(deltas + sequence), tl.load(shift + sequence), 1 / tl.where(mass == 0, 1.0, mass)
    found_by = sequence, end, start, lengths, hops, keep, keep_across, keep_along
    to = out, sequence, size, features * WHOLE, feature
    # Of a table, `across` is 0.
    row = (x if TIME == -1 else x + sequence * across * GRAIN) + feature
    some = tl.arange(0, PART)
    wide = grads.dtype.element_ty
    summed = tl.zeros([PART, WIDTH], wide)
    # From `begin` on, unlike elsewhere: counted from 0, rows of 1024 features spill.
    for first in range(begin, end, STEPS):
        a_at = _places(first + some, found_by, TIME, HOPS, KEEP)
        a = rows_at(row, inside, a_at[0], a_at[2], 0, along, GRAIN)
        # Both halves are on their way before the first gradient is written, which no load may pass.
        if STEPS > PART:
            b_at = _places(first + PART + some, found_by, TIME, HOPS, KEEP)
            b = rows_at(row, inside, b_at[0], b_at[2], 0, along, GRAIN)
        summed += _write(to, a.to(wide), a_at, asks, grad, known, TIME)
        if STEPS > PART:
            summed += _write(to, b.to(wide), b_at, asks, grad, known, TIME)
    tl.store(out_query + program.to(tl.int64) * features * WHOLE + feature, tl.sum(summed, 0), mask=inside)
