"""Softmax over the steps, fused with the average that it weighs: one pass, by an online softmax.

Each lane of the tile keeps the maximum, the mass and the sum of its own steps, so that lanes meet once, after the loop.
A tile is fetched in halves that share this state: as many loads in flight, for half of its registers. Heads lie side by
side in the grid: those of one sequence read the same rows at about the same time, from the L2 cache.
"""

from seqpool.ops.triton.kernels.address import fetch, owner, share, spaced
from seqpool.ops.triton.language import jit, tl


@jit
def _steps(
    row, inside, step, found_by, scored_by,
    NESTED: tl.constexpr, HOPS: tl.constexpr, KEEP: tl.constexpr, GRAIN: tl.constexpr,
):  # fmt: skip  # one line a role
    """These steps' features, their scores, and how much mass each stands for."""
    scores, masses, scored, score_along = scored_by
    value, at, real = fetch(row, inside, step, 0, found_by, HOPS, KEEP, GRAIN)
    offset = scored + at * score_along
    score = tl.load(scores + offset, mask=real, other=float("-inf"))
    return value, score, tl.load(masses + offset, mask=real, other=0) if NESTED else 1.0


@jit
def _join(summed, norm, shift, steps):
    """Weighted sum, mass and largest score with further steps in them.

    A lane that has met nothing but -inf does not subtract it from itself.
    """
    value, score, mass = steps
    score = score.to(shift.dtype)
    higher = tl.maximum(shift, score)
    base = tl.where(higher == float("-inf"), 0.0, higher)
    weight, fade = tl.exp(score - base) * mass, tl.exp(shift - base)
    return summed * fade[:, None] + weight[:, None] * value.to(summed.dtype), norm * fade + weight, higher


@jit
def meet(summed, shift, norm):
    """Average, largest score and mass of all lanes."""
    top = tl.max(shift, 0)
    fade = tl.exp(shift - tl.where(top == float("-inf"), 0.0, top))
    norm = tl.sum(norm * fade, 0)
    return tl.sum(summed * fade[:, None], 0) / tl.where(norm == 0, 1.0, norm), top, norm


@jit
def attend_kernel(
    out, out_shift, out_norm, x, scores, masses, start, lengths, hops, keep, owners, firsts,
    across, along, apart, between, score_across, score_along, score_apart, keep_across, keep_along, features, heads,
    FINAL: tl.constexpr, NESTED: tl.constexpr,
    CHUNK: tl.constexpr, HOPS: tl.constexpr, KEEP: tl.constexpr,
    STEPS: tl.constexpr, WIDTH: tl.constexpr, GRAIN: tl.constexpr, WHOLE: tl.constexpr,
):  # fmt: skip  # one line a role
    """Average one share's steps; its largest score, and the mass exp(score - largest) that it sums to.

    NESTED: the rows are averages of shares, `between` elements from head to head, with their largest scores and masses.
    Steps that all score -inf have no softmax and give NaN; no steps have average 0.
    """
    program, head = tl.program_id(0) // heads, tl.program_id(0) % heads
    sequence, begin, end = share(program, lengths, owners, firsts, CHUNK)
    feature = tl.program_id(1) * WIDTH + tl.arange(0, WIDTH)
    inside = feature < features * WHOLE
    wide = out.dtype.element_ty
    row = x + (sequence * across + head.to(tl.int64) * between) * GRAIN + spaced(feature, apart)
    found_by = sequence, end, start, hops, keep, along, keep_across, keep_along
    scored_by = scores, masses, sequence * score_across + head.to(tl.int64) * score_apart, score_along
    part: tl.constexpr = STEPS // 2
    half = tl.arange(0, part)
    summed, norm = tl.zeros([part, WIDTH], wide), tl.zeros([part], wide)
    shift = tl.full([part], float("-inf"), wide)
    for first in range(0, end - begin, STEPS):
        a = _steps(row, inside, begin + first + half, found_by, scored_by, NESTED, HOPS, KEEP, GRAIN)
        b = _steps(row, inside, begin + first + part + half, found_by, scored_by, NESTED, HOPS, KEEP, GRAIN)
        summed, norm, shift = _join(summed, norm, shift, a)
        summed, norm, shift = _join(summed, norm, shift, b)
    average, top, norm = meet(summed, shift, norm)
    if FINAL:
        average = tl.where((norm == 0) & (end > begin), float("nan"), average)
        top = tl.where(end > begin, top, 0.0)
    cell = program.to(tl.int64) * heads + head
    tl.store(out + cell * features * WHOLE + feature, average, mask=inside)
    tl.store(out_shift + cell, top, mask=tl.program_id(1) == 0)
    tl.store(out_norm + cell, norm, mask=tl.program_id(1) == 0)


@jit
def _weight(scores, shift, norm, offset, cell, real, wide: tl.constexpr):
    """Softmax weight of each row; 1 on padding, where what it weighs is 0."""
    score = tl.load(scores + offset, mask=real, other=0).to(wide)
    top = tl.load(shift + cell, mask=real, other=0)
    return tl.exp(score - top) / tl.load(norm + cell, mask=real, other=1)


@jit
def score_gradient_kernel(
    out, x, grads, deltas, scores, shift, norm, start, lengths, keep, owners, valid,
    across, along, apart, score_across, score_along, score_apart,
    keep_across, keep_along, rows, size, features, heads,
    TIME: tl.constexpr, KEEP: tl.constexpr, VALID: tl.constexpr,
    STEPS: tl.constexpr, WIDTH: tl.constexpr, GRAIN: tl.constexpr, WHOLE: tl.constexpr,
):  # fmt: skip  # one line a role
    """Gradient of each score, weight * (grad . row - delta), 0 on padding."""
    first_row = (tl.program_id(0) // heads).to(tl.int64) * STEPS
    head = tl.program_id(0) % heads
    sequence, at, real = owner(
        first_row, rows, size, start, lengths, keep, owners, valid, keep_across, keep_along, TIME, KEEP, VALID, STEPS
    )
    sequence_at = sequence if TIME != -1 else sequence * 0
    cell = sequence * heads + head
    wide = grads.dtype.element_ty
    dot = tl.zeros([STEPS, WIDTH], wide)
    for first in range(0, features * WHOLE, WIDTH):
        feature = first + tl.arange(0, WIDTH)
        mask = real[:, None] & (feature < features * WHOLE)[None, :]
        offset = (sequence_at[:, None] * across + at[:, None] * along) * GRAIN + spaced(feature, apart)[None, :]
        value = tl.load(x + offset, mask=mask, other=0).to(wide)
        dot += value * tl.load(grads + cell[:, None] * features * WHOLE + feature[None, :], mask=mask, other=0)
    offset = sequence_at * score_across + at * score_along + tl.cast(head, tl.int64) * score_apart
    weight = _weight(scores, shift, norm, offset, cell, real, wide)
    gradient = weight * (tl.sum(dot, 1) - tl.load(deltas + cell, mask=real, other=0))
    row = first_row + tl.arange(0, STEPS)
    tl.store(out + row * heads + head, gradient.to(out.dtype.element_ty), mask=row < rows)


@jit
def row_gradient_kernel(
    out, grads, scores, shift, norm, start, lengths, keep, owners, valid,
    score_across, score_along, score_apart, keep_across, keep_along, rows, size, features, heads,
    TIME: tl.constexpr, KEEP: tl.constexpr, VALID: tl.constexpr,
    STEPS: tl.constexpr, WIDTH: tl.constexpr, GRAIN: tl.constexpr, WHOLE: tl.constexpr,
):  # fmt: skip  # one line a role
    """Gradient of each row, the sum over heads of weight * grad, 0 on padding."""
    first = tl.program_id(0).to(tl.int64) * STEPS
    sequence, at, real = owner(
        first, rows, size, start, lengths, keep, owners, valid, keep_across, keep_along, TIME, KEEP, VALID, STEPS
    )
    sequence_at = sequence if TIME != -1 else sequence * 0
    feature = tl.program_id(1) * WIDTH + tl.arange(0, WIDTH)
    mask = real[:, None] & (feature < features * WHOLE)[None, :]
    wide = grads.dtype.element_ty
    summed = tl.zeros([STEPS, WIDTH], wide)
    for head in range(heads):
        cell = sequence * heads + head
        offset = sequence_at * score_across + at * score_along + tl.cast(head, tl.int64) * score_apart
        weight = _weight(scores, shift, norm, offset, cell, real, wide)
        summed += weight[:, None] * tl.load(
            grads + cell[:, None] * features * WHOLE + feature[None, :], mask=mask, other=0
        )
    inside = mask
    if TIME != -1 or VALID:
        # Padding is written, too. Compared anew: what is kept over the loop takes registers.
        inside = (tl.arange(0, STEPS) < rows - first)[:, None] & (feature < features * WHOLE)[None, :]
    row = (first + tl.arange(0, STEPS))[:, None]
    tl.store(out + row * features * WHOLE + feature[None, :], summed.to(out.dtype.element_ty), mask=inside)
