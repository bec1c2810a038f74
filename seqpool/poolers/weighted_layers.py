"""Transformers: every layer, mixed step by step before it is pooled."""

from dataclasses import replace
from typing import final

import torch
from torch import Tensor, nn

from seqpool.layout import Sequences
from seqpool.ops import accumulator, select
from seqpool.poolers.base import Pooler, check_at_least_one
from seqpool.poolers.ends import LastPooler
from seqpool.poolers.statistics import StdPooler


@final
class WeightedLayersPooler(Pooler):
    r"""Mix the layers of each step with learned softmax weights, and pool the mixed steps.

    .. math:: y = p(z_1, \dots, z_n), \quad z_t = \gamma \sum_{l=1}^{L} softmax(w)_l \, h^l_t

    The layers come side by side, in any layout: `torch.cat(hidden_states, dim=-1)` of a transformer that returns the
    tuple `hidden_states`, or of some of its layers. It depends on the order of the steps, and has a second derivative,
    where its pooler does.

    Source: Peters et al. 2018, "Deep Contextualized Word Representations" (https://arxiv.org/abs/1802.05365);
    sentence-transformers' `WeightedLayerPooling` divides by the sum of the weights instead of a softmax.

    Args:
        num_layers: L, how many layers lie side by side.
        pooler: what pools the mixed steps.

    Shape:
        n steps of L * D features -> what `pooler` makes of n steps of D features.

    Raises:
        TypeError: `pooler` is none.
        ValueError: `num_layers` is below 1, `pooler` needs final states, or the steps do not hold L layers.

    Example:
        >>> hidden_states = tuple(torch.randn(2, 5, 4) for _ in range(3))
        >>> pooler = WeightedLayersPooler(3, MaskedMeanPooler())
        >>> pooler(torch.cat(hidden_states, dim=-1), lengths=[5, 2]).shape
        torch.Size([2, 4])
    """

    samples = ({"num_layers": 2, "pooler": LastPooler()}, {"num_layers": 1, "pooler": StdPooler()})
    order = True
    also = ("WeightedLayerPooling", "hidden_states", "ELMo")

    def __init__(self, num_layers: int, pooler: Pooler) -> None:
        super().__init__()
        check_at_least_one("num_layers", num_layers, "it is the length of hidden_states")
        if not isinstance(pooler, Pooler):
            raise TypeError(f"WeightedLayersPooler takes a pooler, a {type(pooler).__name__} came: MaskedMeanPooler()")
        if {"h_n", "c_n"} & set(pooler.needs):
            raise ValueError(
                f"pooler must work from steps, {type(pooler).__name__} came, which needs {' and '.join(pooler.needs)}: "
                "ScalarMixPooler mixes the layers of an RNN"
            )
        self.weight = nn.Parameter(torch.zeros(num_layers))
        self.gamma = nn.Parameter(torch.ones(()))
        self.pooler = pooler
        self.needs = pooler.needs
        self.order, self.piecewise = pooler.order, pooler.piecewise

    def one(self, x: Tensor, *extras: Tensor) -> Tensor:
        layers = x.reshape(x.shape[0], len(self.weight), -1)
        return self.pooler.one(self.gamma * torch.einsum("l,tld->td", self.weight.softmax(0), layers), *extras)

    def pool(self, seq: Sequences) -> Tensor:
        rows, width = select(seq, seq.values), self._width(seq.features)
        layers = rows.to(accumulator(rows.dtype)).reshape(*rows.shape[:-1], self.weight.shape[0], width)
        mixed = self.gamma * (self.weight.softmax(0).unsqueeze(-1) * layers).sum(-2)
        # Final states would be those of one layer, and belong to no mixed step.
        mixture = replace(seq, values=mixed.to(rows.dtype), h_n=None, c_n=None)
        pooled: Tensor = self.pooler(mixture)
        return pooled

    def out_features(self, in_features: int) -> int:
        return self.pooler.out_features(self._width(in_features))

    def _width(self, in_features: int) -> int:
        layers = self.weight.shape[0]
        if in_features % layers:
            raise ValueError(
                f"steps must hold {layers} layers side by side, {in_features} features came: "
                "torch.cat(hidden_states, dim=-1) and num_layers=len(hidden_states)"
            )
        return in_features // layers

    def extra_repr(self) -> str:
        return f"num_layers={self.weight.shape[0]}"
