"""Gradients of the reductions: each row of the table is written once, padding with 0."""

from seqpool.ops.triton.kernels.address import owner, spaced
from seqpool.ops.triton.language import jit, tl


@jit
def _tile(
    start, lengths, keep, owners, valid, keep_across, keep_along, rows, size, features,
    TIME: tl.constexpr, KEEP: tl.constexpr, VALID: tl.constexpr,
    STEPS: tl.constexpr, WIDTH: tl.constexpr, WHOLE: tl.constexpr,
):  # fmt: skip  # one line a role
    """Sequence and place of the tile's rows, its features, and where it reads vectors, writes rows, and may do so."""
    first = tl.program_id(0).to(tl.int64) * STEPS
    sequence, at, real = owner(
        first, rows, size, start, lengths, keep, owners, valid, keep_across, keep_along, TIME, KEEP, VALID, STEPS
    )
    feature = tl.program_id(1) * WIDTH + tl.arange(0, WIDTH)
    inside = (feature < features * WHOLE)[None, :]
    cell = sequence[:, None] * features * WHOLE + feature[None, :]
    step = tl.arange(0, STEPS)
    written = (first + step)[:, None] * features * WHOLE + feature[None, :]
    return sequence, at, feature, cell, written, real[:, None] & inside, (step < rows - first)[:, None] & inside


@jit
def spread_kernel(
    out, vectors, found, start, lengths, keep, owners, valid, keep_across, keep_along, rows, size, features,
    PEAK: tl.constexpr, TIME: tl.constexpr, KEEP: tl.constexpr, VALID: tl.constexpr,
    STEPS: tl.constexpr, WIDTH: tl.constexpr, GRAIN: tl.constexpr, WHOLE: tl.constexpr,
):  # fmt: skip  # one line a role
    """Give each real row its sequence's vector; where PEAK, only the features that were `found` in that row."""
    _, at, _, cell, written, real, inside = _tile(
        start, lengths, keep, owners, valid, keep_across, keep_along, rows, size, features,
        TIME, KEEP, VALID, STEPS, WIDTH, WHOLE,
    )  # fmt: skip  # one line a role
    vector = tl.load(vectors + cell, mask=real, other=0)
    if PEAK:
        hit = tl.load(found + cell, mask=real, other=-1) == at[:, None]
        vector = tl.where(hit, vector, 0)
    tl.store(out + written, vector.to(out.dtype.element_ty), mask=inside)


@jit
def share_gradient_kernel(
    out, x, grads, norms, start, lengths, keep, owners, valid, across, along, apart, keep_across, keep_along,
    rows, size, features,
    TIME: tl.constexpr, KEEP: tl.constexpr, VALID: tl.constexpr,
    STEPS: tl.constexpr, WIDTH: tl.constexpr, GRAIN: tl.constexpr, WHOLE: tl.constexpr,
):  # fmt: skip  # one line a role
    """Give each row its share of grad, exp(x - norm): the gradient of `norm`, the logarithm of the summed exp(x)."""
    sequence, at, feature, cell, written, real, inside = _tile(
        start, lengths, keep, owners, valid, keep_across, keep_along, rows, size, features,
        TIME, KEEP, VALID, STEPS, WIDTH, WHOLE,
    )  # fmt: skip  # one line a role
    beyond = sequence[:, None] * across if TIME != -1 else 0
    offset = (beyond + at[:, None] * along) * GRAIN + spaced(feature, apart)[None, :]
    value = tl.load(x + offset, mask=real, other=0).to(norms.dtype.element_ty)
    share = tl.exp(value - tl.load(norms + cell, mask=real, other=0))
    gradient = tl.where(real, share * tl.load(grads + cell, mask=real, other=0), 0.0)
    tl.store(out + written, gradient.to(out.dtype.element_ty), mask=inside)


@jit
def line_gradient_kernel(
    out, x, levels, slopes, centres, start, lengths, keep, owners, valid, across, along, apart, keep_across,
    keep_along, rows, size, features,
    TIME: tl.constexpr, KEEP: tl.constexpr, VALID: tl.constexpr,
    STEPS: tl.constexpr, WIDTH: tl.constexpr, GRAIN: tl.constexpr, WHOLE: tl.constexpr,
):  # fmt: skip  # one line a role
    """Give each row level + slope * (x - centre)."""
    sequence, at, feature, cell, written, real, inside = _tile(
        start, lengths, keep, owners, valid, keep_across, keep_along, rows, size, features,
        TIME, KEEP, VALID, STEPS, WIDTH, WHOLE,
    )  # fmt: skip  # one line a role
    beyond = sequence[:, None] * across if TIME != -1 else 0
    offset = (beyond + at[:, None] * along) * GRAIN + spaced(feature, apart)[None, :]
    value = tl.load(x + offset, mask=real, other=0).to(centres.dtype.element_ty)
    deviation = value - tl.load(centres + cell, mask=real, other=0)
    slope = tl.load(slopes + cell, mask=real, other=0)
    gradient = tl.where(real, tl.load(levels + cell, mask=real, other=0) + slope * deviation, 0.0)
    tl.store(out + written, gradient.to(out.dtype.element_ty), mask=inside)
