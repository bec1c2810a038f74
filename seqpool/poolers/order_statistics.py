"""Reductions: order statistics of each feature, median and quantile."""

from typing import Literal, final, get_args

import torch
from torch import Tensor

from seqpool.layout import Sequences
from seqpool.ops import accumulator, gather, sort
from seqpool.poolers.base import Pooler, settle

Interpolation = Literal["linear", "lower", "higher", "midpoint", "nearest"]


def median(seq: Sequences) -> Tensor:
    """The lower middle of the real steps, `(B, F)`; see `MedianPooler`."""
    ordered, _ = sort(seq, seq.values)
    middle = (seq.count - 1).clamp(min=0) // 2
    return settle(seq, let_nan_through(largest(ordered), gather(ordered, ordered.values, middle)))


def quantile(seq: Sequences, q: float, interpolation: Interpolation = "linear") -> Tensor:
    """The value below which a share q of the real steps lies, `(B, F)`; see `QuantilePooler`."""
    ordered, _ = sort(seq, seq.values)
    dtype = accumulator(seq.values.dtype)
    rank = _rank(q, (seq.count - 1).clamp(min=0).to(dtype), interpolation)
    low = gather(ordered, ordered.values, rank.floor().long()).to(dtype)
    high = gather(ordered, ordered.values, rank.ceil().long()).to(dtype)
    return settle(seq, let_nan_through(largest(ordered), _between(low, high, rank.unsqueeze(1), interpolation)))


def let_nan_through(top: Tensor, pooled: Tensor) -> Tensor:
    """NaN where the largest value is NaN: sorted, it comes last, and may not be among those that count."""
    return torch.where(top.isnan(), top, pooled)


def largest(ordered: Sequences) -> Tensor:
    """The last of each feature's sorted values, `(B, F)`."""
    return gather(ordered, ordered.values, ordered.last())


def _rank(q: float, last: Tensor, interpolation: Interpolation) -> Tensor:
    """Where q falls among the sorted steps 0 to `last`, rounded as torch rounds it: in the dtype of `last`."""
    rank = q * last
    if interpolation == "lower":
        return rank.floor()
    if interpolation == "higher":
        return rank.ceil()
    return rank.round() if interpolation == "nearest" else rank


def _between(low: Tensor, high: Tensor, rank: Tensor, interpolation: Interpolation) -> Tensor:
    if interpolation == "linear":
        return torch.lerp(low, high, rank - rank.floor())
    return torch.lerp(low, high, 0.5) if interpolation == "midpoint" else low


@final
class MedianPooler(Pooler):
    r"""Take the median of each feature: the lower one of two, as `torch.median` does.

    .. math:: y = x_{(\lceil n / 2 \rceil)}

    where :math:`x_{(1)} \le \dots \le x_{(n)}` are the sorted values of one feature. Of equal values the gradient goes
    to the one that a stable sort puts in the middle.

    Source: `torch.median` of each feature (https://docs.pytorch.org/docs/stable/generated/torch.median.html).

    Shape:
        n steps of D features -> D features.

    Example:
        >>> x = torch.tensor([[[5.0], [1.0], [3.0], [2.0], [9.0]]])
        >>> MedianPooler()(x, lengths=[4])
        tensor([[2.]])
    """

    piecewise = True
    also = ("median pooling", "coordinate-wise median")

    def one(self, x: Tensor) -> Tensor:
        ordered = x.sort(dim=0, stable=True).values
        return let_nan_through(ordered[-1], ordered[(x.shape[0] - 1) // 2])

    def pool(self, seq: Sequences) -> Tensor:
        return median(seq)


@final
class QuantilePooler(Pooler):
    r"""Take a quantile of each feature, as `torch.quantile` does.

    .. math:: y = (1 - w) x_{(\lfloor r \rfloor + 1)} + w x_{(\lceil r \rceil + 1)}, \quad r = q (n - 1)

    where :math:`x_{(1)} \le \dots \le x_{(n)}` are the sorted values of one feature, and w is the fraction of r
    (linear), a half (midpoint), or r is rounded (lower, higher, nearest: to even).

    Source: `torch.quantile` of each feature (https://docs.pytorch.org/docs/stable/generated/torch.quantile.html);
    the linear interpolation is type 7 of Hyndman and Fan 1996 (https://aakinshin.net/vignettes/hyndman-fan-taxonomy).

    Args:
        q: between 0, the minimum, and 1, the maximum; 0.5 is the median.
        interpolation: what to take between two steps.

    Shape:
        n steps of D features -> D features.

    Raises:
        ValueError: `q` is not between 0 and 1, or the interpolation is unknown.

    Example:
        >>> x = torch.tensor([[[5.0], [1.0], [3.0], [2.0], [9.0]]])
        >>> QuantilePooler(0.5)(x, lengths=[4])
        tensor([[2.5000]])
    """

    samples = (
        {"q": 0.3},
        {"q": 0.75, "interpolation": "lower"},
        {"q": 0.3, "interpolation": "higher"},
        {"q": 0.4, "interpolation": "midpoint"},
        {"q": 0.6, "interpolation": "nearest"},
    )
    piecewise = True
    also = ("percentile", "quantile pooling")

    def __init__(self, q: float, *, interpolation: Interpolation = "linear") -> None:
        super().__init__()
        if not 0 <= q <= 1:
            raise ValueError(f"q must be between 0 and 1, {q} came: divide a percentage by 100")
        if interpolation not in get_args(Interpolation):
            raise ValueError(
                f"interpolation must be one of {', '.join(get_args(Interpolation))}, {interpolation!r} came: "
                "linear is the usual one"
            )
        self.q, self.interpolation = float(q), interpolation

    def one(self, x: Tensor) -> Tensor:
        ordered = x.sort(dim=0, stable=True).values
        rank = _rank(self.q, x.new_tensor(x.shape[0] - 1, dtype=accumulator(x.dtype)), self.interpolation)
        low, high = (ordered[place.long()].to(rank.dtype) for place in (rank.floor(), rank.ceil()))
        return let_nan_through(ordered[-1], _between(low, high, rank, self.interpolation).to(x.dtype))

    def pool(self, seq: Sequences) -> Tensor:
        return quantile(seq, self.q, self.interpolation)

    def extra_repr(self) -> str:
        return f"q={self.q}, interpolation={self.interpolation!r}"
