"""A sequence without a step must give a finite row of an ordinary size, and spoil nothing around it."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from seqpool.layout import Integers
from seqpool.testing.batch import Batch, batch, contents
from seqpool.testing.trial import Model, Takes, Trial, check_finite

_FILL = 1e4


def assert_empty_is_finite(
    model: Model,
    x: Tensor,
    lengths: Integers,
    *,
    takes: Takes = "lengths",
    padding: Sequence[float] = (),
    rtol: float | None = None,
    atol: float | None = None,
) -> None:
    r"""Assert that empty sequences give finite rows and gradients, read no padding, and leave their mates alone.

    .. math:: |model(x, n)_b| < \infty \quad\text{where}\quad n_b = 0

    A row some ten thousand times as large as every other fails too: the constant of a `masked_fill` shows in it.

    Source: this library.

    Args:
        model: any callable from a padded batch and `lengths` or a mask to one vector a row; an `nn.Module` in
            evaluation mode.
        x: right-padded features, or integer ids.
        lengths: real steps of each row; the check empties the last row, then all.
        takes: what the model takes as its second argument: `"lengths"`, or `"mask"`, `(B, T)`, True = a real step.
        padding: further contents to try, such as `float("nan")` or the id of a padding token.
        rtol: relative tolerance; by default that of `torch.testing.assert_close` for the result's dtype.
        atol: absolute tolerance, given together with `rtol`.

    Shape:
        x `(B, T, ...)`; lengths `(B,)`; result `(B, ...)`.

    Raises:
        AssertionError: the model fails on an empty row; the message says how, and what the likely cause is.
        ValueError: the model is not repeatable, or the batch cannot tell.

    Example:
        >>> x = torch.randn(3, 7, 4)
        >>> assert_empty_is_finite(lambda x, n: MaskedMeanPooler()(x, lengths=n), x, [7, 5, 3])
        >>> assert_empty_is_finite(lambda x, n: x.cumsum(1)[:, 0] / n.unsqueeze(1), x, [7, 5, 3])  # doctest: +ELLIPSIS
        Traceback (most recent call last):
            ...
        AssertionError: row 2 (length 0 of 7) is ... when it was emptied: ...
    """
    given = batch(x, lengths)
    trial = Trial(model=model, takes=takes, rtol=rtol, atol=atol)
    before = trial.baseline(given)
    rows = len(given.lengths)
    for emptied in ([rows - 1], list(range(rows))):
        _check_values(trial, given, before, emptied, padding)
        _check_gradients(trial, given.emptied(emptied))


def _check_values(trial: Trial, given: Batch, before: Tensor, emptied: list[int], padding: Sequence[float]) -> None:
    batch = given.emptied(emptied)
    result = _run(trial, batch)
    check_finite(
        batch, result, "when it was emptied", "a division by the length, or a maximum or softmax over nothing?"
    )
    size, usual = float(result[emptied].abs().max()), max(1.0, float(before.abs().max()))
    if size > _FILL * usual:
        raise AssertionError(
            f"{batch.describe(emptied[-1])} is {size:.2g} in size when it was emptied, other rows {usual:.2g} at most: "
            "the constant of a masked_fill shows? give empty sequences zeros"
        )
    for name, content in contents(given, padding):
        moved = [(row, by) for row, by in trial.moved(result, trial.run(batch.filled(content))) if row in emptied]
        if moved:
            row, by = moved[0]
            raise AssertionError(
                f"{batch.describe(row)} moved by {by:.2g} when padding content changed ({name}): with no real step to "
                "read, padding is read (step 0 or -1, or a softmax over equal fills)? give empty sequences zeros"
            )
    for row, by in trial.moved(before, result):
        if row not in emptied:
            raise AssertionError(
                f"{given.describe(row)} moved by {by:.2g} when row {emptied[0]} was emptied: empty sequences dropped, "
                "or rows and lengths out of step?"
            )


def _run(trial: Trial, batch: Batch) -> Tensor:
    try:
        return trial.run(batch)
    except (RuntimeError, ValueError, IndexError) as error:
        raise AssertionError(
            f"the model refused lengths {batch.lengths.tolist()}: {type(error).__name__}: {error} "
            "(in front of an RNN, clamp lengths to 1 and zero the empty rows of the result, or use seqpool.RNNEncoder)"
        ) from error


def _check_gradients(trial: Trial, batch: Batch) -> None:
    floating = batch.x.is_floating_point()
    leaf = batch.x.clone().requires_grad_(floating)
    wanted = [leaf] if floating else []
    wanted += trial.parameters()
    result = trial.call(replace(batch, x=leaf))
    if not wanted or not result.requires_grad:
        return
    for gradient in torch.autograd.grad(trial.scalar(result), wanted, materialize_grads=True):
        if not bool(gradient.isfinite().all()):
            raise AssertionError(
                f"lengths {batch.lengths.tolist()} send {gradient[~gradient.isfinite()][0].item()} into a gradient of "
                f"shape {tuple(gradient.shape)}: 0/0, sqrt(0) or a softmax over nothing, hidden by a torch.where after "
                "it? select before the division"
            )
