"""All checks in one call."""

from collections.abc import Callable, Sequence
from functools import partial

from torch import Tensor

from seqpool.layout import Integers
from seqpool.testing.batch import Side
from seqpool.testing.empties import assert_empty_is_finite
from seqpool.testing.gradients import assert_no_padding_gradient
from seqpool.testing.mates import assert_batch_invariant
from seqpool.testing.padding import assert_padding_invariant
from seqpool.testing.trial import Model, Takes


def assert_pools_correctly(
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
    r"""Assert that each row of the result depends on the real steps of its own sequence and on nothing else.

    .. math:: model(x, n)_b = f(x_{b,1}, \dots, x_{b,n_b})

    Runs `assert_padding_invariant`, `assert_batch_invariant`, `assert_no_padding_gradient` and
    `assert_empty_is_finite`, and reports all that fail.

    Source: this library.

    Args:
        model: any callable from a padded batch and `lengths` or a mask to one vector a row; an `nn.Module` in
            evaluation mode.
        x: right-padded features, or integer ids; at least two rows, of uneven lengths.
        lengths: real steps of each row.
        takes: what the model takes as its second argument: `"lengths"`, or `"mask"`, `(B, T)`, True = a real step.
        sides: where padding may lie; by default `("right",)`, and `("right", "left")` for a model that takes a mask.
        padding: further contents to try, such as `float("nan")` or the id of a padding token.
        rtol: relative tolerance; by default that of `torch.testing.assert_close` for the result's dtype.
        atol: absolute tolerance, given together with `rtol`.

    Shape:
        x `(B, T, ...)`; lengths `(B,)`; result `(B, ...)`.

    Raises:
        AssertionError: a check failed; the message holds the message of each that did.
        ValueError: the model is not repeatable, or the batch cannot tell.
        TypeError: `x` holds ids and `model` has no parameters to look at.

    Example:
        >>> class Classifier(nn.Module):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.embedding, self.pooler, self.head = nn.Embedding(50, 8), AttentionPooler(8), nn.Linear(8, 2)
        ...     def forward(self, ids, lengths):
        ...         return self.head(self.pooler(self.embedding(ids), lengths=lengths))
        >>> assert_pools_correctly(Classifier().eval(), torch.randint(50, (3, 7)), [7, 5, 3])
    """
    checks: list[Callable[[], None]] = [
        partial(
            assert_padding_invariant, model, x, lengths, takes=takes, sides=sides, padding=padding, rtol=rtol, atol=atol
        ),
        partial(assert_batch_invariant, model, x, lengths, takes=takes, rtol=rtol, atol=atol),
        partial(assert_no_padding_gradient, model, x, lengths, takes=takes, padding=padding, rtol=rtol, atol=atol),
        partial(assert_empty_is_finite, model, x, lengths, takes=takes, padding=padding, rtol=rtol, atol=atol),
    ]
    failures = []
    for check in checks:
        try:
            check()
        except AssertionError as failure:
            failures.append(f"- {failure}")
    if failures:
        raise AssertionError("\n".join([f"{len(failures)} of {len(checks)} checks failed:", *failures]))
