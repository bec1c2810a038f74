"""Reductions: the mean without the extreme values."""

from fractions import Fraction
from typing import final

import torch
from torch import Tensor

from seqpool.layout import Sequences
from seqpool.ops import sort, spread, total
from seqpool.poolers.base import Pooler, settle
from seqpool.poolers.order_statistics import largest, let_nan_through


def trimmed_mean(seq: Sequences, proportion: float = 0.1) -> Tensor:
    """Average of the real steps without the extreme ones, `(B, F)`; see `TrimmedMeanPooler`."""
    return _trimmed_mean(seq, _fraction(proportion))


def _trimmed_mean(seq: Sequences, share: Fraction) -> Tensor:
    ordered, _ = sort(seq, seq.values)
    cut = (seq.count * share.numerator // share.denominator).unsqueeze(1)
    count = seq.count.unsqueeze(1)
    position = ordered.position().unsqueeze(-1)
    kept = (position >= spread(ordered, cut)) & (position < spread(ordered, count - cut))
    mean = total(ordered, torch.where(kept, ordered.values, 0)) / (count - 2 * cut).clamp(min=1)
    return settle(seq, let_nan_through(largest(ordered), mean))


def _fraction(proportion: float) -> Fraction:
    # 0.29 of 100 steps are 29, which the product of floats misses; whole numbers work on every device.
    return Fraction(proportion).limit_denominator(1_000_000)


@final
class TrimmedMeanPooler(Pooler):
    r"""Average each feature without its smallest and largest values.

    .. math:: y = \frac{1}{n - 2g} \sum_{i=g+1}^{n-g} x_{(i)}, \quad g = \lfloor proportion \cdot n \rfloor

    where :math:`x_{(1)} \le \dots \le x_{(n)}` are the sorted values of one feature. Short sequences, where g is 0, are
    averaged whole. NaN is not trimmed away.

    Source: `scipy.stats.trim_mean`
    (https://docs.scipy.org/doc/scipy/reference/generated/scipy.stats.trim_mean.html).

    Args:
        proportion: share of the steps to leave out on each side, below a half.

    Shape:
        n steps of D features -> D features.

    Raises:
        ValueError: `proportion` is negative, or a half or more.

    Example:
        >>> x = torch.tensor([[[5.0], [1.0], [90.0], [3.0], [9.0]]])
        >>> TrimmedMeanPooler(proportion=0.25)(x, lengths=[4])
        tensor([[4.]])
    """

    samples = ({"proportion": 0.25}, {})
    piecewise = True
    also = ("truncated mean", "trim_mean")

    def __init__(self, *, proportion: float = 0.1) -> None:
        super().__init__()
        if not 0 <= proportion < 0.5:
            raise ValueError(
                f"proportion must be at least 0 and below 0.5, {proportion} came: it is left out on each side, "
                "half of the steps on both sides is MedianPooler"
            )
        self.proportion, self.share = float(proportion), _fraction(proportion)

    def one(self, x: Tensor) -> Tensor:
        ordered, n = x.sort(dim=0, stable=True).values, x.shape[0]
        cut = int(self.share * n)
        return let_nan_through(ordered[-1], ordered[cut : n - cut].mean(0))

    def pool(self, seq: Sequences) -> Tensor:
        return _trimmed_mean(seq, self.share)

    def extra_repr(self) -> str:
        return f"proportion={self.proportion}"
