"""Order-aware: the maximum or the mean of each part of a sequence, cut ever finer."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, final, get_args

import torch
from torch import Tensor

from seqpool.layout import Sequences
from seqpool.ops import peak, spread, total
from seqpool.poolers.base import Pooler, settle

Reduce = Literal["max", "mean"]


def pyramid(seq: Sequences, bins: Sequence[int], reduce: Reduce = "max") -> Tensor:
    """Maximum or mean of each of `bins` parts, level by level, `(B, sum(bins) * F)`; see `PyramidPooler`."""
    parts = [_part(seq, *_bounds(seq.count, i, level), reduce) for level in bins for i in range(level)]
    return settle(seq, torch.cat(parts, dim=1))


def _bounds(count: Tensor, i: int, level: int) -> tuple[Tensor, Tensor]:
    """Where part i of `level` parts begins, and where it ends: never the same step, unless there is none."""
    return count * i // level, (count * (i + 1) + level - 1) // level


def _part(seq: Sequences, begin: Tensor, end: Tensor, reduce: Reduce) -> Tensor:
    bounds = spread(seq, torch.stack([begin, end], dim=1))
    position = seq.position()
    inside = (position >= bounds[..., 0]) & (position < bounds[..., 1])
    if reduce == "mean":
        return total(seq, torch.where(inside.unsqueeze(-1), seq.values, 0)) / (end - begin).clamp(min=1).unsqueeze(1)
    valid = seq.valid()
    keep = inside if valid is None else inside & valid
    return peak(replace(seq, keep=keep, count=end - begin, full=False), seq.values)


@final
class PyramidPooler(Pooler):
    r"""Cut the steps into nearly equal parts, on several levels, and take the maximum (or mean) of each part.

    .. math:: y = [y_{b,i}]_{b \in bins,\, 0 \le i < b}, \quad
        y_{b,i} = \max_{\lfloor i n / b \rfloor < t \le \lceil (i + 1) n / b \rceil} x_t

    The parts are those of the released code, and of `torch.nn.AdaptiveMaxPool1d`: where b does not divide n, neighbours
    share a step; where n < b, steps are repeated, so that no part is empty.

    Source: Lazebnik et al. 2006, "Beyond Bags of Features: Spatial Pyramid Matching for Recognizing Natural Scene
    Categories" (https://doi.org/10.1109/CVPR.2006.68), with the maxima of He et al. 2014, "Spatial Pyramid Pooling in
    Deep Convolutional Networks for Visual Recognition" (https://arxiv.org/abs/1406.4729), over time.

    Args:
        bins: number of parts on each level, such as `(1, 2, 4)`.
        reduce: `"max"` or `"mean"`, what is taken of a part.

    Shape:
        n steps of D features -> sum(bins) * D features, level by level, part by part.

    Raises:
        ValueError: `bins` is empty or holds a number below 1, or `reduce` is unknown.

    Example:
        >>> x = torch.tensor([[[1.0], [2.0], [4.0], [3.0], [9.0]]])
        >>> PyramidPooler((1, 2))(x, lengths=[4])
        tensor([[4., 2., 4.]])
    """

    samples = ({"bins": (1, 2, 4)}, {"bins": (3, 2), "reduce": "mean"})
    order = True
    piecewise = True
    also = (
        "SPP",
        "spatial pyramid pooling",
        "TPP",
        "temporal pyramid pooling",
        "adaptive pooling",
        "chunk-max pooling",
    )

    def __init__(self, bins: Sequence[int], *, reduce: Reduce = "max") -> None:
        super().__init__()
        if not bins or min(bins) < 1:
            raise ValueError(f"bins must hold numbers of parts from 1 on, {tuple(bins)} came: (1, 2, 4) is usual")
        if reduce not in get_args(Reduce):
            raise ValueError(f"reduce must be one of {', '.join(get_args(Reduce))}, {reduce!r} came")
        self.bins, self.reduce = tuple(bins), reduce

    def one(self, x: Tensor) -> Tensor:
        n = x.shape[0]
        parts = [x[i * n // b : -(-(i + 1) * n // b)] for b in self.bins for i in range(b)]
        return torch.cat([part.max(0).values if self.reduce == "max" else part.mean(0) for part in parts])

    def pool(self, seq: Sequences) -> Tensor:
        return pyramid(seq, self.bins, self.reduce)

    def out_features(self, in_features: int) -> int:
        return sum(self.bins) * in_features

    def extra_repr(self) -> str:
        return f"bins={self.bins}, reduce={self.reduce!r}"
