"""Padding must change nothing: neither what it holds, nor how much there is, nor on which side."""

from collections.abc import Sequence
from typing import get_args

from torch import Tensor

from seqpool.layout import Integers
from seqpool.testing.batch import Batch, Side, batch, contents
from seqpool.testing.trial import Model, Takes, Trial, others

_EXTRA = 3


def assert_padding_invariant(
    model: Model,
    x: Tensor,
    lengths: Integers,
    *,
    takes: Takes = "lengths",
    sides: Sequence[Side] | None = None,
    padding: Sequence[float] = (),
    rtol: float | None = None,
    atol: float | None = None,
) -> None:
    r"""Assert that content, amount and side of the padding change no row of the result.

    .. math:: model(x, n)_b = model(x', n)_b \quad\text{where}\quad x'_{b,1 \dots n_b} = x_{b,1 \dots n_b}

    The batch is cut to its longest row and padded by up to three steps more, in turn.

    Source: this library.

    Args:
        model: any callable from a padded batch and `lengths` or a mask to one vector a row; an `nn.Module` in
            evaluation mode.
        x: right-padded features, or integer ids.
        lengths: real steps of each row.
        takes: what the model takes as its second argument: `"lengths"`, or `"mask"`, `(B, T)`, True = a real step.
        sides: where padding may lie; by default `("right",)`, and `("right", "left")` for a model that takes a mask.
        padding: further contents to try, such as `float("nan")` or the id of a padding token.
        rtol: relative tolerance; by default that of `torch.testing.assert_close` for the result's dtype.
        atol: absolute tolerance, given together with `rtol`.

    Shape:
        x `(B, T, ...)`; lengths `(B,)`; result `(B, ...)`.

    Raises:
        AssertionError: a row moved; the message says which, by how much, and what the likely cause is.
        ValueError: the model is not repeatable, or the batch cannot tell.

    Example:
        >>> x = torch.randn(3, 7, 4)
        >>> assert_padding_invariant(lambda x, n: MaskedMeanPooler()(x, lengths=n), x, [7, 5, 3])
        >>> assert_padding_invariant(lambda x, n: x[:, -1], x, [7, 5, 3])  # doctest: +ELLIPSIS
        Traceback (most recent call last):
            ...
        AssertionError: row 1 (length 5 of 7) moved by ... when padding content changed (100 times other steps): ...
    """
    given = batch(x, lengths)
    trial = Trial(model=model, takes=takes, rtol=rtol, atol=atol)
    before = trial.baseline(given)
    for side in _sides(takes, sides):
        _check_content(trial, given if side == "right" else given.turned(), padding)
    _check_amount(trial, given, before)
    if "left" in _sides(takes, sides):
        _check_side(trial, given, before)


def _sides(takes: Takes, sides: Sequence[Side] | None) -> Sequence[Side]:
    if sides is None:
        return ("right",) if takes == "lengths" else ("right", "left")
    if not sides or not set(sides) <= set(get_args(Side)):
        raise ValueError(f"sides must be of 'right' and 'left', {sides!r} came: name where padding may lie")
    if takes == "lengths" and "left" in sides:
        raise ValueError("lengths say nothing of left padding, sides with 'left' came: takes='mask' does")
    return sides


def _check_content(trial: Trial, given: Batch, padding: Sequence[float]) -> None:
    # Wider as well: a row without padding has none to read.
    wider = given.resized(given.steps + _EXTRA) if given.side == "right" else None
    for padded in (given, wider):
        if padded is None:
            continue
        before = trial.run(padded)
        for name, content in contents(padded, padding):
            moved = trial.moved(before, trial.run(padded.filled(content)))
            if moved:
                row, by = moved[0]
                raise AssertionError(
                    f"{padded.describe(row)} moved by {by:.2g} when padding content changed ({name}): "
                    f"{_reader(trial, padded, row, content)}{others([row for row, _ in moved])}"
                )


def _reader(trial: Trial, padded: Batch, row: int, content: Tensor) -> str:
    """Which padding steps a row reads, and who is known to read those."""
    if not bool(content.isfinite().all()):
        return "0 times nan is nan: select the real steps (torch.where) rather than multiply by the mask?"
    before = trial.run(padded)

    def reads(steps: slice) -> bool:
        after = trial.run(padded.filled(content, steps))
        return not trial.same(before[row], after[row])

    count = int(padded.lengths[row])
    if padded.side == "left":
        edge, inner = slice(0, 1), slice(1, padded.steps - count)
        corner = "the first column alone is read: is this [:, 0], where left padding puts no real step?"
    else:
        edge, inner = slice(padded.steps - 1, padded.steps), slice(count, padded.steps - 1)
        corner = "the last column alone is read: is this output[:, -1]? take each row's own last step (LastPooler)"
    if inner.start < inner.stop and reads(edge) and not reads(inner):
        return corner
    first = slice(count, count + 1)
    if padded.side == "right" and inner.start < inner.stop and reads(first) and not reads(slice(count + 1, None)):
        return f"step {count}, the first of the padding, is read: off by one (output[b, n] for output[b, n - 1])?"
    return (
        "the model reads padding: output[:, -1], a mean or maximum over T, attention without a mask, a convolution "
        "across the end, or an RNN that ran over padding (pack, or seqpool.RNNEncoder)?"
    )


def _check_amount(trial: Trial, given: Batch, before: Tensor) -> None:
    longest = int(given.lengths.max())
    for steps in sorted({longest, given.steps + 1, given.steps + _EXTRA} - {given.steps}):
        moved = trial.moved(before, trial.run(given.resized(steps)))
        if moved:
            row, by = moved[0]
            raise AssertionError(
                f"{given.describe(row)} moved by {by:.2g} when its batch was padded to {steps} steps, though what "
                "padding holds makes no difference: is something divided by T, or counted from the right edge? "
                f"use each row's own length{others([row for row, _ in moved])}"
            )


def _check_side(trial: Trial, given: Batch, before: Tensor) -> None:
    left = given.resized(given.steps + _EXTRA).turned()
    moved = trial.moved(before, trial.run(left))
    if moved:
        row, by = moved[0]
        raise AssertionError(
            f"{left.describe(row)} moved by {by:.2g} when its padding went to the left: [:, 0] for the first step, "
            "lengths taken from mask.sum(1), or positions counted from the left edge (give position_ids)? "
            f"where padding is always on the right, say sides=('right',){others([row for row, _ in moved])}"
        )
