"""Softmax of linear scores, fused with the scores themselves and with the average that it weighs: one read of each row.

A program holds whole rows, for all heads, in one warp: a row's score is a sum over lanes, which one warp takes without
a barrier. Rows come in halves that share the state: as many loads in flight, for fewer registers.
"""

from seqpool.ops.triton.kernels.address import place, share
from seqpool.ops.triton.language import jit, tl


@jit
def lines(features, heads, HEADS: tl.constexpr, WIDTH: tl.constexpr):
    """Each feature `(1, 1, WIDTH)` and place `(HEADS, 1, WIDTH)` in a matrix of heads, and whether they are in it."""
    feature = tl.arange(0, WIDTH)[None, None, :]
    head = tl.arange(0, HEADS)[:, None, None]
    inside = feature < features
    return feature, inside, head * features + feature, _among(inside, head, heads, HEADS)


@jit
def _among(inside, head, heads, HEADS: tl.constexpr):
    """Whether these features are of a head that is there; one alone always is."""
    return inside if HEADS == 1 else inside & (head < heads)


@jit
def rows_at(x, at, real, inside, feature, along, GRAIN: tl.constexpr):
    """Rows at these places of a sequence's `x`, `(1, steps, WIDTH)`, 0 where there is none."""
    offset = at * along * GRAIN
    return tl.load(x + offset[None, :, None] + feature, mask=real[None, :, None] & inside, other=0)


@jit
def _scores(row, query, real):
    """Score of each row for each head, -inf where there is none."""
    return tl.where(real[None, :], tl.sum(row * query, 2), float("-inf"))


@jit
def store_heads(out, program, value, features, heads, HEADS: tl.constexpr, WIDTH: tl.constexpr):
    """Keep a program's line for each head, `(HEADS, WIDTH)`."""
    head, feature = tl.arange(0, HEADS)[:, None], tl.arange(0, WIDTH)[None, :]
    mask = _among(feature < features, head, heads, HEADS)
    tl.store(out + program.to(tl.int64) * heads * features + head * features + feature, value, mask=mask)


@jit
def _meet(summed, shift, norm):
    """Average, largest score and mass of all steps of the tile."""
    top = tl.max(shift, 1)
    fade = tl.exp(shift - tl.where(top == float("-inf"), 0.0, top)[:, None])
    norm = tl.sum(norm * fade, 1)
    return tl.sum(summed * fade[:, :, None], 1) / tl.where(norm == 0, 1.0, norm)[:, None], top, norm


@jit
def attend_by_kernel(
    out, out_shift, out_norm, x, query, start, lengths, hops, keep, owners, firsts,
    across, along, query_across, keep_across, keep_along, features, heads,
    FINAL: tl.constexpr, CHUNK: tl.constexpr, HOPS: tl.constexpr, KEEP: tl.constexpr, HEADS: tl.constexpr,
    PART: tl.constexpr, STEPS: tl.constexpr, WIDTH: tl.constexpr, GRAIN: tl.constexpr, WHOLE: tl.constexpr,
):  # fmt: skip  # one line a role
    """Average one share's steps; its largest score, and the mass exp(score - largest) that it sums to.

    What `attend_kernel` gives, of scores that are not there yet.
    """
    program = tl.program_id(0)
    sequence, begin, end = share(program, lengths, owners, firsts, CHUNK)
    feature, inside, line, asked = lines(features * WHOLE, heads, HEADS, WIDTH)
    wide = out.dtype.element_ty
    asks = tl.load(query + sequence * query_across * WHOLE + line, mask=asked, other=0)
    from_x = x + sequence * across * GRAIN
    some = tl.arange(0, PART)
    summed, norm = tl.zeros([HEADS, PART, WIDTH], wide), tl.zeros([HEADS, PART], wide)
    shift = tl.full([HEADS, PART], float("-inf"), wide)
    for first in range(begin, end, STEPS):
        at, a_real = place(sequence, first + some, end, start, hops, keep, keep_across, keep_along, HOPS, KEEP)
        a = rows_at(from_x, at, a_real, inside, feature, along, GRAIN)
        at, b_real = place(sequence, first + PART + some, end, start, hops, keep, keep_across, keep_along, HOPS, KEEP)
        b = rows_at(from_x, at, b_real, inside, feature, along, GRAIN)
        a, b = a.to(wide), b.to(wide)
        a_score, b_score = _scores(a, asks, a_real), _scores(b, asks, b_real)
        higher = tl.maximum(shift, tl.maximum(a_score, b_score))
        # Who has met nothing but -inf does not subtract it from itself.
        base = tl.where(higher == float("-inf"), 0.0, higher)
        a_mass, b_mass, fade = tl.exp(a_score - base), tl.exp(b_score - base), tl.exp(shift - base)
        norm = norm * fade + (a_mass + b_mass)
        summed = summed * fade[:, :, None] + (a_mass[:, :, None] * a + b_mass[:, :, None] * b)
        shift = higher
    average, top, norm = _meet(summed, shift, norm)
    if FINAL:
        average = tl.where((norm == 0)[:, None] & (end > begin), float("nan"), average)
        top = tl.where(end > begin, top, 0.0)
    store_heads(out, program, average, features * WHOLE, heads, HEADS, WIDTH)
    head = tl.arange(0, HEADS)
    tl.store(out_shift + program.to(tl.int64) * heads + head, top, mask=head < heads)
    tl.store(out_norm + program.to(tl.int64) * heads + head, norm, mask=head < heads)
