"""Weighted: means whose weights follow from where a step stands in its sequence."""

from typing import final

import torch
from torch import Tensor

from seqpool.layout import Sequences
from seqpool.ops import accumulator, select, spread, weighted
from seqpool.poolers.base import Pooler, settle
from seqpool.poolers.weighted import shares


def position_weighted_mean(seq: Sequences) -> Tensor:
    """Average of the real steps with weights 1 to n, `(B, F)`; see `PositionWeightedMeanPooler`."""
    weights = (seq.position() + 1).unsqueeze(-1).to(accumulator(seq.values.dtype))
    norm = seq.count * (seq.count + 1) // 2
    return settle(seq, weighted(seq, select(seq, weights), seq.values) / norm.clamp(min=1).unsqueeze(1))


def decay_mean(seq: Sequences, half_life: float) -> Tensor:
    """Average of the real steps with weights that halve every `half_life` steps back; see `DecayMeanPooler`."""
    age = spread(seq, (seq.count - 1).unsqueeze(1)) - seq.position().unsqueeze(-1)
    weights = 0.5 ** (age.to(accumulator(seq.values.dtype)) / half_life)
    return settle(seq, weighted(seq, shares(seq, select(seq, weights)), seq.values))


@final
class PositionWeightedMeanPooler(Pooler):
    r"""Average the steps with weights that grow linearly, as later steps of a causal model have read more.

    Positions count the real steps, so neither the side of the padding nor holes in a mask change the weights.

    .. math:: y = \frac{\sum_{t=1}^{n} t \, x_t}{\sum_{t=1}^{n} t}

    Source: equation 2 of Muennighoff 2022, "SGPT: GPT Sentence Embeddings for Semantic Search"
    (https://arxiv.org/abs/2202.08904).

    Shape:
        n steps of D features -> D features.

    Example:
        >>> x = torch.tensor([[[1.0], [4.0], [9.0]]])
        >>> PositionWeightedMeanPooler()(x, lengths=[2])
        tensor([[3.]])
    """

    order = True
    piecewise = True
    also = ("SGPT", "weightedmean", "position-weighted mean")

    def one(self, x: Tensor) -> Tensor:
        weights = torch.arange(1, x.shape[0] + 1, device=x.device).to(x.dtype)
        return weights / weights.sum() @ x

    def pool(self, seq: Sequences) -> Tensor:
        return position_weighted_mean(seq)


@final
class DecayMeanPooler(Pooler):
    r"""Average the steps with weights that decay exponentially, counted back from the last real step.

    .. math:: y = \frac{\sum_t w_t x_t}{\sum_t w_t}, \quad w_t = 2^{-(n - t) / h}

    Source: the last value of pandas' `ewm(halflife=h)` with its default, `adjust=True`, over the n real steps
    (https://pandas.pydata.org/docs/reference/api/pandas.Series.ewm.html).

    Args:
        half_life: h, steps back from the last one after which a weight is half as large.

    Shape:
        n steps of D features -> D features.

    Raises:
        ValueError: `half_life` is not above 0.

    Example:
        >>> x = torch.tensor([[[1.0], [4.0], [9.0]]])
        >>> DecayMeanPooler(1.0)(x, lengths=[2])
        tensor([[3.]])
    """

    samples = ({"half_life": 2.0}, {"half_life": 0.1})
    order = True
    piecewise = True
    also = ("EMA", "EWMA", "exponential moving average", "recency weighting")

    def __init__(self, half_life: float) -> None:
        super().__init__()
        if not half_life > 0:
            raise ValueError(f"half_life must be above 0, {half_life} came: give it in steps")
        self.half_life = half_life

    def one(self, x: Tensor) -> Tensor:
        age = torch.arange(x.shape[0] - 1, -1, -1, device=x.device).to(x.dtype)
        weights = 2 ** (-age / self.half_life)
        return weights / weights.sum() @ x

    def pool(self, seq: Sequences) -> Tensor:
        return decay_mean(seq, self.half_life)

    def extra_repr(self) -> str:
        return f"half_life={self.half_life}"
