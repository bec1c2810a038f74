"""Order-aware: the lowest frequencies of each feature."""

from typing import final

import torch
from torch import Tensor

from seqpool.layout import Sequences
from seqpool.ops import accumulator, select, spread, weighted
from seqpool.poolers.base import Pooler, check_at_least_one, settle


def dct(seq: Sequences, k: int) -> Tensor:
    """First k coefficients of each feature's cosine transform, `(B, k * F)`; see `DCTPooler`."""
    wide = accumulator(seq.values.dtype)
    size = seq.count.clamp(min=k)
    position, sizes = seq.position(), spread(seq, size.unsqueeze(1)).squeeze(-1)
    waves = [select(seq, _wave(position, j, sizes, wide).unsqueeze(-1)) for j in range(k)]
    sums = [weighted(seq, wave, seq.values) for wave in waves]
    scale = _scale(torch.arange(k, device=seq.values.device), size.unsqueeze(1), wide)
    return settle(seq, (scale.unsqueeze(-1) * torch.stack(sums, dim=1)).flatten(1))


def _wave(position: Tensor, frequency: int | Tensor, size: Tensor, dtype: torch.dtype) -> Tensor:
    # Whole numbers reduce the angle without rounding, however long the sequence.
    turn = ((2 * position + 1) * frequency) % (4 * size)
    # In degrees: Dynamo of torch 2.11 takes math.pi for an input, and compiles twice.
    return (turn.to(dtype) / size.to(dtype) * 90).deg2rad().cos()


def _scale(frequency: Tensor, size: Tensor, dtype: torch.dtype) -> Tensor:
    return (torch.where(frequency == 0, 1, 2).to(dtype) / size.to(dtype)).sqrt()


@final
class DCTPooler(Pooler):
    r"""Take the first k coefficients of each feature's orthonormal discrete cosine transform (DCT-II) over the steps.

    .. math:: y_j = \sqrt{\frac{2 - [j = 0]}{n}} \sum_{t=1}^{n} x_t \cos\left(\frac{\pi}{n} (t - \tfrac{1}{2}) j\right),
        \quad j = 0, \dots, k - 1

    Where n < k, zero steps are added to make k, as the released code does: n is k in the formula.

    Source: Almarwani et al. 2019, "Efficient Sentence Embedding using Discrete Cosine Transform"
    (https://arxiv.org/abs/1909.03104).

    Args:
        k: number of coefficients to keep; the first is :math:`\sqrt{n}` times the mean.

    Shape:
        n steps of D features -> k * D features: the first coefficient of every feature, then the second, ...

    Raises:
        ValueError: `k` is below 1.

    Example:
        >>> x = torch.tensor([[[1.0], [2.0], [3.0], [4.0], [9.0]]])
        >>> DCTPooler(2)(x, lengths=[4])
        tensor([[ 5.0000, -2.2304]])
    """

    samples = ({"k": 2}, {"k": 4})
    order = True
    piecewise = True
    also = ("DCT", "DCT-II", "discrete cosine transform")

    def __init__(self, k: int) -> None:
        super().__init__()
        check_at_least_one("k", k, "it is the number of coefficients to keep")
        self.k = k

    def one(self, x: Tensor) -> Tensor:
        size = torch.tensor(max(x.shape[0], self.k), device=x.device)
        frequency = torch.arange(self.k, device=x.device).unsqueeze(1)
        waves = _wave(torch.arange(x.shape[0], device=x.device), frequency, size, x.dtype)
        return (_scale(frequency, size, x.dtype) * waves @ x).flatten()

    def pool(self, seq: Sequences) -> Tensor:
        return dct(seq, self.k)

    def out_features(self, in_features: int) -> int:
        return self.k * in_features

    def extra_repr(self) -> str:
        return f"k={self.k}"
