"""Gradients of sum and maximum: each row of the table is written once, padding with 0."""

from seqpool.ops.triton.kernels.address import owner
from seqpool.ops.triton.language import jit, tl


@jit
def spread_kernel(
    out, vectors, found, start, lengths, keep, owners, valid,
    vector_across, vector_apart, keep_across, keep_along, rows, size, features,
    PEAK: tl.constexpr, TIME: tl.constexpr, KEEP: tl.constexpr, VALID: tl.constexpr,
    STEPS: tl.constexpr, WIDTH: tl.constexpr,
):  # fmt: skip  # one line a role
    """Give each real row its sequence's vector; where PEAK, only the features that were `found` in that row."""
    row = tl.program_id(0).to(tl.int64) * STEPS + tl.arange(0, STEPS)
    sequence, at, real = owner(
        row, rows, size, start, lengths, keep, owners, valid, keep_across, keep_along, TIME, KEEP, VALID
    )
    feature = tl.program_id(1) * WIDTH + tl.arange(0, WIDTH)
    inside = (feature < features)[None, :]
    mask = real[:, None] & inside
    offset = sequence[:, None] * vector_across + feature[None, :] * vector_apart
    vector = tl.load(vectors + offset, mask=mask, other=0)
    if PEAK:
        hit = tl.load(found + sequence[:, None] * features + feature[None, :], mask=mask, other=-1) == at[:, None]
        vector = tl.where(hit, vector, 0)
    tl.store(
        out + row[:, None] * features + feature[None, :],
        vector.to(out.dtype.element_ty),
        mask=(row < rows)[:, None] & inside,
    )
