"""A sequence alone, in other company, and in another place of the batch must give the same row."""

import torch
from torch import Tensor

from seqpool.layout import Integers
from seqpool.testing.batch import Batch, batch
from seqpool.testing.trial import Model, Takes, Trial, others

_ALONE = (
    "batch statistics (BatchNorm in training mode), a softmax or maximum over the batch axis, state kept between "
    "calls, sequences padded to the longest mate and read there, or batch and time confused (batch_first)?"
)
_ORDER = (
    "sorted by length and never put back (use enforce_sorted=False, or unsorted_indices), or h_n reshaped across the "
    "batch (h_n.view(B, -1); seqpool.unstack_h_n splits it)?"
)


def assert_batch_invariant(
    model: Model,
    x: Tensor,
    lengths: Integers,
    *,
    takes: Takes = "lengths",
    rtol: float | None = None,
    atol: float | None = None,
) -> None:
    r"""Assert that batch mates and the order of the batch change no row of the result.

    .. math:: model(x, n)_b = model(x_b, n_b), \quad model(x_\pi, n_\pi) = model(x, n)_\pi

    Source: this library.

    Args:
        model: any callable from a padded batch and `lengths` or a mask to one vector a row; an `nn.Module` in
            evaluation mode.
        x: right-padded features, or integer ids; at least two rows.
        lengths: real steps of each row.
        takes: what the model takes as its second argument: `"lengths"`, or `"mask"`, `(B, T)`, True = a real step.
        rtol: relative tolerance; by default that of `torch.testing.assert_close` for the result's dtype.
        atol: absolute tolerance, given together with `rtol`.

    Shape:
        x `(B, T, ...)`; lengths `(B,)`; result `(B, ...)`.

    Raises:
        AssertionError: a row moved; the message says which, by how much, and what the likely cause is.
        ValueError: the model is not repeatable, or the batch cannot tell.

    Example:
        >>> x = torch.randn(3, 7, 4)
        >>> assert_batch_invariant(lambda x, n: MaskedMaxPooler()(x, lengths=n), x, [7, 5, 3])
        >>> assert_batch_invariant(lambda x, n: x[:, 0] - x[:, 0].mean(0), x, [7, 5, 3])  # doctest: +ELLIPSIS
        Traceback (most recent call last):
            ...
        AssertionError: row 0 (length 7 of 7) moved by ... when its mates changed: ...
    """
    given = batch(x, lengths)
    rows = len(given.lengths)
    if rows < 2:
        raise ValueError("x must hold two sequences or more, 1 came: a batch of one has no mates")
    trial = Trial(model=model, takes=takes, rtol=rtol, atol=atol)
    before = trial.baseline(given)
    # Order first: rows that only change places would fail alone as well.
    ascending, descending = torch.argsort(given.lengths).tolist(), torch.argsort(-given.lengths).tolist()
    for order in (ascending, descending, list(range(rows))[::-1], [*range(1, rows), 0]):
        _check(trial, given, before, order, "when the batch was put in another order", _ORDER)
    for row in range(rows):
        _check(trial, given, before, [row, *[(row + 1) % rows] * rows], "when its mates changed", _ALONE)
    for row in range(rows):
        _check(trial, given, before, [row], "when it was alone in its batch", _ALONE)


def _check(trial: Trial, given: Batch, before: Tensor, rows: list[int], when: str, cause: str) -> None:
    moved = trial.moved(before[rows], trial.run(given.take(rows)))
    if moved:
        by, named = moved[0][1], [rows[place] for place, _ in moved]
        raise AssertionError(f"{given.describe(named[0])} moved by {by:.2g} {when}: {cause}{others(named)}")
