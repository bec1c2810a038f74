"""The poolers that are measured: each with its textbook form on `(B, T, D)` and a mask, and the bytes it must move."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

import seqpool
from seqpool import Pooler

Textbook = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Subject:
    """A pooler and what anybody would write in its place.

    `rereads`: backward needs the steps once more. `single`: one step of each sequence is read, not all. `tied`: equal
    steps share a gradient that rivals may give to another one of them, but to no step of another value.
    """

    make: Callable[[int], Pooler]
    textbook: Callable[[Pooler], Textbook]
    rereads: bool = False
    single: bool = False
    tied: bool = False

    def forward_bytes(self, steps: Tensor, pooled: Tensor) -> int:
        """Read the real steps and write the result."""
        read = pooled.nbytes if self.single else steps.nbytes
        return read + pooled.nbytes

    def backward_bytes(self, steps: Tensor, pooled: Tensor, stored: Tensor) -> int:
        """Read the result's gradient, write that of all rows, padding included, and read the steps again if need be."""
        return pooled.nbytes + stored.nbytes + (steps.nbytes if self.rereads else 0)


def masked_sum(x: Tensor, mask: Tensor) -> Tensor:
    """Steps times mask, summed."""
    return (x * mask.unsqueeze(-1)).sum(1)


def masked_mean(x: Tensor, mask: Tensor) -> Tensor:
    """The sum over the number of steps."""
    return masked_sum(x, mask) / mask.sum(1, keepdim=True)


def _mean_sqrt(x: Tensor, mask: Tensor) -> Tensor:
    return masked_sum(x, mask) / mask.sum(1, keepdim=True).sqrt().to(x.dtype)


def _max(x: Tensor, mask: Tensor) -> Tensor:
    return x.masked_fill(~mask.unsqueeze(-1), float("-inf")).amax(1)


def _min(x: Tensor, mask: Tensor) -> Tensor:
    return x.masked_fill(~mask.unsqueeze(-1), float("inf")).amin(1)


def _last(x: Tensor, mask: Tensor) -> Tensor:
    step = torch.arange(x.shape[1], device=x.device)
    return x[torch.arange(x.shape[0], device=x.device), torch.where(mask, step, 0).amax(1)]


def _std(x: Tensor, mask: Tensor) -> Tensor:
    distance = (x - masked_mean(x, mask).unsqueeze(1)) * mask.unsqueeze(-1)
    # The root of 0 has no gradient.
    return (distance.square().sum(1) / mask.sum(1, keepdim=True)).clamp(min=1e-12).sqrt()


def _log_mean_exp(x: Tensor, mask: Tensor) -> Tensor:
    return x.masked_fill(~mask.unsqueeze(-1), float("-inf")).logsumexp(1) - mask.sum(1, keepdim=True).log().to(x.dtype)


def _softmax(x: Tensor, mask: Tensor) -> Tensor:
    return (x.masked_fill(~mask.unsqueeze(-1), float("-inf")).softmax(1) * x).sum(1)


def _by_position(x: Tensor, mask: Tensor) -> Tensor:
    weight = mask.cumsum(1) * mask
    return masked_sum(x, (weight / weight.sum(1, keepdim=True)).to(x.dtype))


def _median(x: Tensor, mask: Tensor) -> Tensor:
    ordered = x.masked_fill(~mask.unsqueeze(-1), float("inf")).sort(1).values
    return ordered[torch.arange(x.shape[0], device=x.device), (mask.sum(1) - 1) // 2]


def _statistics(x: Tensor, mask: Tensor) -> Tensor:
    return torch.cat([masked_mean(x, mask), _std(x, mask)], 1)


def _attend(pooler: Pooler) -> Textbook:
    score = pooler.get_submodule("score")

    def textbook(x: Tensor, mask: Tensor) -> Tensor:
        weights = score(x).squeeze(-1).masked_fill(~mask, float("-inf")).softmax(1)
        return torch.bmm(weights.unsqueeze(1), x).squeeze(1)

    return textbook


def _multi_head(pooler: Pooler) -> Textbook:
    attention, queries = pooler.get_submodule("attention"), pooler.get_parameter("queries")
    if not isinstance(attention, nn.MultiheadAttention):
        raise TypeError(f"MultiHeadAttentionPooler must hold nn.MultiheadAttention, it holds {type(attention)}")

    def textbook(x: Tensor, mask: Tensor) -> Tensor:
        found: Tensor = attention(queries.expand(x.shape[0], -1, -1), x, x, key_padding_mask=~mask)[0]
        return found.flatten(1)

    return textbook


def _plain(make: Callable[[], Pooler], textbook: Textbook, *, rereads: bool = False) -> Subject:
    """A pooler without parameters."""
    return Subject(lambda _: make(), lambda _: textbook, rereads)


SUBJECTS = {
    "sum": _plain(seqpool.MaskedSumPooler, masked_sum),
    "mean": _plain(seqpool.MaskedMeanPooler, masked_mean),
    "mean-sqrt-length": _plain(seqpool.MeanSqrtLengthPooler, _mean_sqrt),
    "position-weighted": _plain(seqpool.PositionWeightedMeanPooler, _by_position),
    "max": Subject(lambda _: seqpool.MaskedMaxPooler(), lambda _: _max, tied=True),
    "min": Subject(lambda _: seqpool.MaskedMinPooler(), lambda _: _min, tied=True),
    "last": Subject(lambda _: seqpool.LastPooler(), lambda _: _last, single=True),
    "std": _plain(seqpool.StdPooler, _std, rereads=True),
    "statistics": _plain(seqpool.StatisticsPooler, _statistics, rereads=True),
    "median": Subject(lambda _: seqpool.MedianPooler(), lambda _: _median, tied=True),
    "logsumexp": _plain(seqpool.LogSumExpPooler, _log_mean_exp, rereads=True),
    "softmax": _plain(seqpool.SoftmaxPooler, _softmax, rereads=True),
    "attention": Subject(seqpool.AttentionPooler, _attend, rereads=True),
    "additive-attention": Subject(seqpool.AdditiveAttentionPooler, _attend, rereads=True),
    "multi-head": Subject(lambda features: seqpool.MultiHeadAttentionPooler(features, num_heads=4), _multi_head, True),
}
