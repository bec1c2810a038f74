"""Softmax of linear scores, fused with the scores themselves and with the average that it weighs: one read of each row.

A program holds whole rows in one warp: a row's score is a sum over lanes, which one warp takes without a barrier. Rows
come in halves that share the state: as many loads in flight, for fewer registers.
"""

from seqpool.ops.triton.kernels.address import fetch, share
from seqpool.ops.triton.kernels.attention import meet
from seqpool.ops.triton.language import jit, tl


@jit
def _scores(row, query, real):
    """Score of each row, -inf where there is none."""
    return tl.where(real, tl.sum(row * query[None, :], 1), float("-inf"))


@jit
def attend_by_kernel(
    out, out_shift, out_norm, x, query, start, lengths, hops, keep, owners, firsts,
    across, along, query_across, keep_across, keep_along, features,
    FINAL: tl.constexpr, CHUNK: tl.constexpr, HOPS: tl.constexpr, KEEP: tl.constexpr,
    PART: tl.constexpr, STEPS: tl.constexpr, WIDTH: tl.constexpr, GRAIN: tl.constexpr, WHOLE: tl.constexpr,
):  # fmt: skip  # one line a role
    """Average one share's steps; its largest score, and the mass exp(score - largest) that it sums to.

    What `attend_kernel` gives, of scores that are not there yet.
    """
    program = tl.program_id(0)
    sequence, begin, end = share(program, lengths, owners, firsts, CHUNK)
    feature = tl.arange(0, WIDTH)
    inside = feature < features * WHOLE
    wide = out.dtype.element_ty
    asks = tl.load(query + sequence * query_across * WHOLE + feature, mask=inside, other=0)
    row = x + sequence * across * GRAIN + feature
    found_by = sequence, end, start, hops, keep, along, keep_across, keep_along
    some = tl.arange(0, PART)
    summed, norm = tl.zeros([PART, WIDTH], wide), tl.zeros([PART], wide)
    shift = tl.full([PART], float("-inf"), wide)
    for first in range(0, end - begin, STEPS):
        a, _, a_real = fetch(row, inside, begin + first + some, 0, found_by, HOPS, KEEP, GRAIN)
        b, _, b_real = fetch(row, inside, begin + first + PART + some, 0, found_by, HOPS, KEEP, GRAIN)
        a, b = a.to(wide), b.to(wide)
        a_score, b_score = _scores(a, asks, a_real), _scores(b, asks, b_real)
        higher = tl.maximum(shift, tl.maximum(a_score, b_score))
        # Who has met nothing but -inf does not subtract it from itself.
        base = tl.where(higher == float("-inf"), 0.0, higher)
        a_mass, b_mass, fade = tl.exp(a_score - base), tl.exp(b_score - base), tl.exp(shift - base)
        norm = norm * fade + (a_mass + b_mass)
        summed = summed * fade[:, None] + (a_mass[:, None] * a + b_mass[:, None] * b)
        shift = higher
    average, top, norm = meet(summed, shift, norm)
    if FINAL:
        average = tl.where((norm == 0) & (end > begin), float("nan"), average)
        top = tl.where(end > begin, top, 0.0)
    tl.store(out + program.to(tl.int64) * features * WHOLE + feature, average, mask=inside)
    tl.store(out_shift + program, top)
    tl.store(out_norm + program, norm)
