"""Sum and maximum over the steps of each sequence.

Every lane of the tile reduces its own steps and the lanes meet once, after the loop: no barrier inside it. A result
depends on no other program, so no atomics, and two runs agree bit for bit. Where the state takes many registers, a tile
is fetched in halves that share it: as many loads in flight, for half of them.
"""

from seqpool.ops.triton.kernels.address import fetch, share, spaced
from seqpool.ops.triton.language import jit, tl

NOWHERE = tl.constexpr(2**31 - 1)


@jit
def total_kernel(
    out, x, start, lengths, hops, keep, owners, firsts, across, along, apart, keep_across, keep_along, features,
    CHUNK: tl.constexpr, HOPS: tl.constexpr, KEEP: tl.constexpr,
    STEPS: tl.constexpr, WIDTH: tl.constexpr, GRAIN: tl.constexpr, WHOLE: tl.constexpr,
):  # fmt: skip  # one line a role
    """Sum the steps of one share, in the dtype of `out`."""
    program = tl.program_id(0)
    sequence, begin, end = share(program, lengths, owners, firsts, CHUNK)
    feature = tl.program_id(1) * WIDTH + tl.arange(0, WIDTH)
    inside = feature < features * WHOLE
    row = x + sequence * across * GRAIN + spaced(feature, apart)
    found_by = sequence, end, start, hops, keep, along, keep_across, keep_along
    summed = tl.zeros([STEPS, WIDTH], out.dtype.element_ty)
    for first in range(0, end - begin, STEPS):
        value, _, _ = fetch(row, inside, begin + first + tl.arange(0, STEPS), 0, found_by, HOPS, KEEP, GRAIN)
        summed += value.to(out.dtype.element_ty)
    tl.store(out + program.to(tl.int64) * features * WHOLE + feature, tl.sum(summed, 0), mask=inside)


@jit
def _first_best(best, step, other, other_step):
    """The larger of two, NaN above all; the earlier one where they are equal."""
    nan, other_nan = best != best, other != other
    same = (best == other) | (nan & other_nan)
    wins = (other_nan & (nan == 0)) | (other > best) | (same & (other_step < step))
    return tl.where(wins, other, best), tl.where(wins, other_step, step)


@jit
def _meet(best, step):
    """The best of all lanes, and the first step that has it: simple reductions, of which a NaN would pass unseen."""
    nan = best != best
    some_nan = tl.max(nan.to(tl.int32), 0) != 0
    top = tl.max(tl.where(nan, float("-inf"), best), 0)
    hit = tl.where(some_nan[None, :], nan, best == top[None, :])
    return tl.where(some_nan, float("nan"), top), tl.min(tl.where(hit, step, NOWHERE), 0)


@jit
def _join(best, best_step, value, step, real, sign):
    """The best, and its step, with further steps in them."""
    # Padding is worse than any step, even one of -inf: it lies nowhere.
    value = tl.where(real[:, None], value.to(best.dtype) * sign, float("-inf"))
    return _first_best(best, best_step, value, tl.where(real, step, NOWHERE)[:, None])


@jit
def peak_kernel(
    out, out_at, x, x_at, start, lengths, hops, keep, owners, firsts, across, along, apart, keep_across, keep_along,
    features,
    LARGEST: tl.constexpr, NESTED: tl.constexpr, FINAL: tl.constexpr,
    CHUNK: tl.constexpr, HOPS: tl.constexpr, KEEP: tl.constexpr,
    STEPS: tl.constexpr, WIDTH: tl.constexpr, GRAIN: tl.constexpr, WHOLE: tl.constexpr,
):  # fmt: skip  # one line a role
    """Largest (smallest) step of one share, and where along the step axis it lies first.

    NESTED: the rows are results of shares, and `x_at` says where each was found. No step lies at place -1.
    """
    program = tl.program_id(0)
    sequence, begin, end = share(program, lengths, owners, firsts, CHUNK)
    feature = tl.program_id(1) * WIDTH + tl.arange(0, WIDTH)
    inside = feature < features * WHOLE
    sign = 1.0 if LARGEST else -1.0
    wide = tl.float64 if x.dtype.element_ty == tl.float64 else tl.float32
    row = x + sequence * across * GRAIN + spaced(feature, apart)
    found_by = sequence, end, start, hops, keep, along, keep_across, keep_along
    part: tl.constexpr = STEPS // 2
    half = tl.arange(0, part)
    best = tl.full([part, WIDTH], float("-inf"), wide)
    # The step rather than the place: int32, which takes half the registers.
    best_step = tl.full([part, WIDTH], NOWHERE, tl.int32)
    for first in range(0, end - begin, STEPS):
        a_step = begin + first + half
        b_step = begin + first + part + half
        a, _, a_real = fetch(row, inside, a_step, 0, found_by, HOPS, KEEP, GRAIN)
        b, _, b_real = fetch(row, inside, b_step, 0, found_by, HOPS, KEEP, GRAIN)
        best, best_step = _join(best, best_step, a, a_step, a_real, sign)
        best, best_step = _join(best, best_step, b, b_step, b_real, sign)
    best, best_step = _meet(best, best_step)
    some = best_step != NOWHERE
    hop = tl.load(hops + best_step, mask=some, other=0) if HOPS else best_step.to(tl.int64)
    at = tl.load(start + sequence) + hop
    if NESTED:
        at = tl.load(
            x_at + (sequence * across + at * along) * GRAIN + spaced(feature, apart), mask=some & inside, other=-1
        )
    cell = program.to(tl.int64) * features * WHOLE + feature
    best = tl.where(some, best * sign, 0.0) if FINAL else best * sign
    tl.store(out + cell, best.to(out.dtype.element_ty), mask=inside)
    tl.store(out_at + cell, tl.where(some, at, -1), mask=inside)
