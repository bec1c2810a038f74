"""Exponentials and deviations, each in one pass over the steps: what two passes would fetch first is kept as it goes.

Each lane keeps the state of its own steps, and the lanes meet once, after the loop: no barrier inside it. A tile is
fetched in halves that share the state: as many loads in flight, for half the registers.
"""

from seqpool.ops.triton.kernels.address import fetch, share, spaced
from seqpool.ops.triton.language import jit, tl


@jit
def _finite(number):
    """The number, or 0 where it is infinite or NaN: what may be subtracted from anything."""
    return tl.where(tl.abs(number) < float("inf"), number, 0.0)


@jit
def _higher(this, other):
    """The larger one; of a NaN and a number either, for both meet in the mass."""
    return tl.where(this > other, this, other)


@jit
def logsumexp_kernel(
    out, x, start, lengths, hops, keep, owners, firsts, across, along, apart, keep_across, keep_along, features,
    CHUNK: tl.constexpr, HOPS: tl.constexpr, KEEP: tl.constexpr,
    STEPS: tl.constexpr, WIDTH: tl.constexpr, GRAIN: tl.constexpr, WHOLE: tl.constexpr,
):  # fmt: skip  # one line a role
    """Logarithm of the summed exponentials of one share's steps, -inf for none.

    The mass is kept relative to the largest step so far. A NaN makes the mass NaN.
    """
    program = tl.program_id(0)
    sequence, begin, end = share(program, lengths, owners, firsts, CHUNK)
    feature = tl.program_id(1) * WIDTH + tl.arange(0, WIDTH)
    inside = feature < features * WHOLE
    wide = out.dtype.element_ty
    row = x + sequence * across * GRAIN + spaced(feature, apart)
    found_by = sequence, end, start, hops, keep, along, keep_across, keep_along
    part: tl.constexpr = STEPS // 2
    half = tl.arange(0, part)
    top = tl.full([part, WIDTH], float("-inf"), wide)
    mass = tl.zeros([part, WIDTH], wide)
    for first in range(0, end - begin, STEPS):
        a, _, _ = fetch(row, inside, begin + first + half, float("-inf"), found_by, HOPS, KEEP, GRAIN)
        b, _, _ = fetch(row, inside, begin + first + part + half, float("-inf"), found_by, HOPS, KEEP, GRAIN)
        a, b = a.to(wide), b.to(wide)
        higher = _higher(_higher(top, a), b)
        base = _finite(higher)
        mass = mass * tl.exp(top - base) + (tl.exp(a - base) + tl.exp(b - base))
        top = higher
    highest = tl.max(top, 0)
    base = _finite(highest)
    mass = tl.sum(mass * tl.exp(top - base[None, :]), 0)
    result = tl.where(mass == 0, float("-inf"), tl.log(tl.where(mass == 0, 1.0, mass)) + base)
    tl.store(out + program.to(tl.int64) * features * WHOLE + feature, result, mask=inside)


@jit
def _steps(
    row, inside, squares, number, step, found_by,
    NESTED: tl.constexpr, HOPS: tl.constexpr, KEEP: tl.constexpr, GRAIN: tl.constexpr,
):  # fmt: skip  # one line a role
    """These steps' features (0 where there is none), squares, how many steps each stands for, and which are real."""
    value, at, real = fetch(row, inside, step, 0, found_by, HOPS, KEEP, GRAIN)
    below, more = 0.0, real
    if NESTED:
        below, _, _ = fetch(squares, inside, step, 0, found_by, HOPS, KEEP, GRAIN)
        more = tl.load(number + at, mask=real, other=0)
    return value, below, more, real


@jit
def _join(mean, squares, count, level, steps):
    """Mean, squares and count with further steps in them."""
    value, below, more, real = steps
    # The level of a feature that is not there is 0, too.
    value = tl.where(real[:, None], value.to(mean.dtype) - level[None, :], 0.0)
    more = more.to(count.dtype)
    portion = more / tl.maximum(count + more, 1.0)
    delta = value - mean
    squares += below + delta * (delta * (count * portion)[:, None])
    # Weighed rather than moved by delta, which would make NaN of an infinite mean.
    return mean * (1 - portion)[:, None] + value * portion[:, None], squares, count + more


@jit
def _meet(mean, squares, count):
    """Mean, squares and count of all lanes."""
    number = tl.sum(count, 0)
    average = tl.sum(mean * count[:, None], 0) / tl.maximum(number, 1.0)
    delta = mean - average[None, :]
    # An infinite mean has no deviations: inf - inf is NaN.
    return average, tl.sum(squares + delta * delta * count[:, None], 0) + (average - average), number


@jit
def variation_kernel(
    out, out_squares, out_missed, out_count, x, x_squares, x_first, x_count,
    start, lengths, hops, keep, owners, firsts, across, along, apart, keep_across, keep_along, features,
    NESTED: tl.constexpr, FINAL: tl.constexpr, CHUNK: tl.constexpr, HOPS: tl.constexpr, KEEP: tl.constexpr,
    STEPS: tl.constexpr, WIDTH: tl.constexpr, GRAIN: tl.constexpr, WHOLE: tl.constexpr,
):  # fmt: skip  # one line a role
    """Mean, sum of squared deviations from it, what rounding the mean missed, and number of one share's steps.

    As sound as two passes: steps are taken relative to the sequence's first one, so that their level costs no digits,
    and each joins its lane's mean and squares by the update of Chan, Golub and LeVeque (1983), never by a difference of
    squares. Not FINAL: the mean is left relative, and the first step comes in place of what it missed. NESTED: the rows
    are such means of shares.
    """
    program = tl.program_id(0)
    sequence, begin, end = share(program, lengths, owners, firsts, CHUNK)
    feature = tl.program_id(1) * WIDTH + tl.arange(0, WIDTH)
    inside = feature < features * WHOLE
    wide = out.dtype.element_ty
    head = sequence * across * GRAIN + spaced(feature, apart)
    first_row = head + tl.load(start + sequence) * along * GRAIN
    some = inside & (begin + feature * 0 < end)
    # What is averaged already is relative to that level, which waits until the loop has left its registers.
    shift = tl.zeros([WIDTH], wide) if NESTED else _finite(tl.load(x + first_row, mask=some, other=0).to(wide))
    row, below = x + head, x_squares + head if NESTED else x_squares
    found_by = sequence, end, start, hops, keep, along, keep_across, keep_along
    part: tl.constexpr = STEPS // 2
    half = tl.arange(0, part)
    mean, squares = tl.zeros([part, WIDTH], wide), tl.zeros([part, WIDTH], wide)
    count = tl.zeros([part], wide)
    for first in range(0, end - begin, STEPS):
        a = _steps(row, inside, below, x_count, begin + first + half, found_by, NESTED, HOPS, KEEP, GRAIN)
        b = _steps(row, inside, below, x_count, begin + first + part + half, found_by, NESTED, HOPS, KEEP, GRAIN)
        mean, squares, count = _join(mean, squares, count, shift, a)
        mean, squares, count = _join(mean, squares, count, shift, b)
    average, total, number = _meet(mean, squares, count)
    level = _finite(tl.load(x_first + first_row, mask=some, other=0)) if NESTED else shift
    cell = program.to(tl.int64) * features * WHOLE + feature
    whole = level + average if FINAL else average
    tl.store(out + cell, whole, mask=inside)
    tl.store(out_squares + cell, total, mask=inside)
    tl.store(out_missed + cell, average - (whole - level) if FINAL else level, mask=inside)
    tl.store(out_count + program, number, mask=tl.program_id(1) == 0)
