"""Reductions: sums scaled by a function of the length."""

import math
from typing import final

from torch import Tensor

from seqpool.layout import Sequences
from seqpool.ops import total
from seqpool.poolers.base import Pooler, settle


def mean_sqrt_length(seq: Sequences) -> Tensor:
    """Sum of the real steps over the square root of their number, `(B, F)`; see `MeanSqrtLengthPooler`."""
    summed = total(seq, seq.values)
    return settle(seq, summed / seq.count.clamp(min=1).to(summed.dtype).sqrt().unsqueeze(1))


@final
class MeanSqrtLengthPooler(Pooler):
    r"""Add the steps up and divide by the square root of their number: independent steps keep their variance.

    .. math:: y = \frac{1}{\sqrt{n}} \sum_{t=1}^{n} x_t

    Source: the transformer of Cer et al. 2018, "Universal Sentence Encoder" (https://arxiv.org/abs/1803.11175);
    TensorFlow's `sqrtn` combiner where all weights are 1.

    Shape:
        n steps of D features -> D features.

    Example:
        >>> x = torch.tensor([[[1.0], [2.0], [3.0], [4.0], [9.0]]])
        >>> MeanSqrtLengthPooler()(x, lengths=[4])
        tensor([[5.]])
    """

    piecewise = True
    also = ("sqrtn", "mean-sqrt-len", "mean_sqrt_len_tokens", "variance-preserving aggregation", "VPA")

    def one(self, x: Tensor) -> Tensor:
        return x.sum(0) / math.sqrt(x.shape[0])

    def pool(self, seq: Sequences) -> Tensor:
        return mean_sqrt_length(seq)
