"""No gradient may reach padding, and padding may reach no gradient."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from seqpool.layout import Integers
from seqpool.testing.batch import Batch, batch, contents
from seqpool.testing.trial import Model, Takes, Trial

_CAUSE = (
    "padding is read and then cancelled or averaged in: select the real steps (torch.where) before they are mixed, "
    "rather than multiplying by a mask afterwards?"
)


def assert_no_padding_gradient(
    model: Model,
    x: Tensor,
    lengths: Integers,
    *,
    takes: Takes = "lengths",
    padding: Sequence[float] = (),
    rtol: float | None = None,
    atol: float | None = None,
) -> None:
    r"""Assert that the gradient on padding is exactly 0 and that padding changes no gradient of a parameter.

    .. math:: \frac{\partial model(x, n)}{\partial x_{b,t}} = 0 \quad\text{for}\quad t > n_b

    Integer ids have no gradient: there, and for the parameters of any `nn.Module`, the parameters' gradients are
    compared between two contents of the padding; an embedding whose padding is read shows at once.

    Source: this library.

    Args:
        model: any callable from a padded batch and `lengths` or a mask to one vector a row; an `nn.Module` in
            evaluation mode, and nothing else where `x` holds ids.
        x: right-padded features, or integer ids.
        lengths: real steps of each row.
        takes: what the model takes as its second argument: `"lengths"`, or `"mask"`, `(B, T)`, True = a real step.
        padding: further contents to try, such as `float("nan")` or the id of a padding token.
        rtol: relative tolerance for the parameters' gradients; by default that of `torch.testing.assert_close`.
        atol: absolute tolerance, given together with `rtol`.

    Shape:
        x `(B, T, ...)`; lengths `(B,)`; result `(B, ...)`.

    Raises:
        AssertionError: a gradient reached padding, or padding reached one; the message says where and how much.
        ValueError: the model is not repeatable, or the batch cannot tell.
        TypeError: `x` holds ids and `model` has no parameters to look at.

    Example:
        >>> x = torch.randn(3, 7, 4)
        >>> assert_no_padding_gradient(lambda x, n: MaskedSumPooler()(x, lengths=n), x, [7, 5, 3])
        >>> assert_no_padding_gradient(lambda x, n: x.mean(1), x, [7, 5, 3])  # doctest: +ELLIPSIS
        Traceback (most recent call last):
            ...
        AssertionError: row 0 (length 7 of 8) sends a gradient of ... to padding step 7: ...
    """
    given = batch(x, lengths)
    trial = Trial(model=model, takes=takes, rtol=rtol, atol=atol)
    if not given.x.is_floating_point() and not trial.parameters():
        raise TypeError(
            f"model must be an nn.Module with parameters where x holds ids, a {type(model).__name__} came: "
            "pass the module itself, or the embedded features as x"
        )
    trial.baseline(given)
    # Every row gets padding, also the longest.
    given = given.resized(given.steps + 1)
    if given.x.is_floating_point():
        _check_steps(trial, given)
    if trial.parameters():
        for name, content in contents(given, padding):
            _check_parameters(trial, given, given.filled(content), name)


def _check_steps(trial: Trial, given: Batch) -> None:
    leaf = given.x.clone().requires_grad_()
    result = trial.call(replace(given, x=leaf))
    if not result.requires_grad:
        raise ValueError("the model must be differentiable, a result without a graph came: is it under torch.no_grad?")
    (gradient,) = torch.autograd.grad(trial.scalar(result), leaf, materialize_grads=True)
    reached = (gradient != 0).reshape(*leaf.shape[:2], -1).any(2) & ~given.mask()
    if bool(reached.any()):
        row, step = reached.nonzero()[0].tolist()
        by = gradient[row, step].abs().max().item()
        raise AssertionError(f"{given.describe(row)} sends a gradient of {by:.2g} to padding step {step}: {_CAUSE}")


def _check_parameters(trial: Trial, given: Batch, changed: Batch, name: str) -> None:
    before, after = _parameter_gradients(trial, given), _parameter_gradients(trial, changed)
    for row, (olds, news) in enumerate(zip(before, after, strict=True)):
        for old, new in zip(olds, news, strict=True):
            if not trial.same(old, new):
                by = float((old.double() - new.double()).abs().max())
                raise AssertionError(
                    f"{given.describe(row)} moved the gradient of a parameter of shape {tuple(old.shape)} by {by:.2g} "
                    f"when padding content changed ({name}): {_CAUSE}"
                )


def _parameter_gradients(trial: Trial, given: Batch) -> list[list[Tensor]]:
    """Gradient of each row's sum in each parameter."""
    result, parameters = trial.call(given), trial.parameters()
    return [
        list(torch.autograd.grad(trial.scalar(row), parameters, retain_graph=True, materialize_grads=True))
        for row in torch.split(result, 1)
    ]
