"""Composition: several poolers side by side."""

from itertools import chain
from typing import final

import torch
from torch import Tensor, nn

from seqpool.layout import Sequences
from seqpool.poolers.base import Pooler
from seqpool.poolers.ends import LastPooler
from seqpool.poolers.reductions import MaskedMaxPooler, MaskedMeanPooler


@final
class ConcatPooler(Pooler):
    r"""Concatenate what several poolers make of one shared view.

    .. math:: y = [p_1(x); p_2(x); \dots]

    It depends on the order of the steps, and has a second derivative, where one of its poolers does. The example is
    ULMFiT's pooling: last step, maximum and mean, in this order. SWEM-concat is `ConcatPooler(MaskedMeanPooler(),
    MaskedMaxPooler())`.

    Source: the "concat pooling" of Howard and Ruder 2018, "Universal Language Model Fine-tuning for Text
    Classification" (https://arxiv.org/abs/1801.06146).

    Args:
        poolers: at least one, in the order of their results.

    Shape:
        n steps of D features -> the sum of the poolers' widths.

    Raises:
        TypeError: an argument is no pooler.
        ValueError: there is none.

    Example:
        >>> pooler = ConcatPooler(LastPooler(), MaskedMaxPooler(), MaskedMeanPooler())
        >>> pooler(torch.tensor([[[5.0], [1.0], [9.0]]]), lengths=[2])
        tensor([[1., 5., 3.]])
    """

    order = True
    piecewise = True
    also = ("concat pooling", "ULMFiT", "ULMFiT pooling", "SWEM-concat", "mean-max pooling", "masked_concat_pool")
    samples = ({"poolers": (LastPooler(), MaskedMaxPooler(), MaskedMeanPooler())},)

    def __init__(self, *poolers: Pooler) -> None:
        super().__init__()
        if not poolers:
            raise ValueError("ConcatPooler needs at least one pooler, none came: ConcatPooler(LastPooler(), ...)")
        for pooler in poolers:
            if not isinstance(pooler, Pooler):
                raise TypeError(f"ConcatPooler takes poolers, a {type(pooler).__name__} came: pass them one by one")
        self.poolers = nn.ModuleList(poolers)
        self.needs = tuple(dict.fromkeys(chain.from_iterable(pooler.needs for pooler in poolers)))
        self.order = any(pooler.order for pooler in poolers)
        self.piecewise = all(pooler.piecewise for pooler in poolers)

    def one(self, x: Tensor, *states: Tensor) -> Tensor:
        given = dict(zip(self.needs, states, strict=True))
        return torch.cat([pooler.one(x, *(given[need] for need in pooler.needs)) for pooler in self._children()])

    def pool(self, seq: Sequences) -> Tensor:
        return torch.cat([pooler(seq) for pooler in self.poolers], dim=1)

    def out_features(self, in_features: int) -> int:
        return sum(pooler.out_features(in_features) for pooler in self._children())

    def _children(self) -> list[Pooler]:
        return [pooler for pooler in self.poolers if isinstance(pooler, Pooler)]
