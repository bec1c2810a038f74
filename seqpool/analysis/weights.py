"""The weights of an attention pooler, wherever in a model it sits."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from seqpool.analysis.opening import Model
from seqpool.analysis.rows import to_layout, to_steps
from seqpool.layout import Sequences
from seqpool.poolers.base import AttentionBase

Seen = list[tuple[Sequences, Tensor]]


def attention_saliency(model: Model, pooler: AttentionBase, seq: Sequences) -> Tensor | PackedSequence:
    r"""Weigh each step by what an attention pooler gave it, averaged over heads.

    .. math:: w_{b,t} = \frac{1}{H} \sum_h \alpha_{b,t,h}

    The pooler may see the steps in another layout than yours (packed, on its way through an RNN); the weights come
    back to the steps that they belong to.

    Source: this library.

    Args:
        model: from the steps to anything, in evaluation mode; it runs `pooler` once, one row of it a step.
        pooler: an attention pooler inside `model`.
        seq: the steps, from `seqpool.view`.

    Shape:
        n steps -> one weight a step, in the layout of the steps, exactly 0 on padding.

    Raises:
        TypeError: `pooler` gives no weights.
        ValueError: `pooler` ran not once, or over other steps than these.

    Example:
        >>> pooler = AttentionPooler(2)
        >>> x = torch.ones(1, 3, 2)
        >>> attention_saliency(lambda x: pooler(x, lengths=[2]), pooler, view(x, lengths=[2]))
        tensor([[0.5000, 0.5000, 0.0000]])
    """
    if not isinstance(pooler, AttentionBase):
        raise TypeError(
            f"pooler must have attention weights, a {type(pooler).__name__} came: take gradient_saliency instead"
        )
    with torch.no_grad(), _watched(pooler) as seen:
        model(seq.wrap(seq.values))
    if len(seen) != 1:
        raise ValueError(f"model must run the {type(pooler).__name__} once, it did {len(seen)} times")
    inner, weights = seen[0]
    steps = to_steps(inner, weights.mean(-1))
    # An RNN that takes no empty sequence reads one step in its place.
    if inner.batch != seq.batch or bool(((inner.count != seq.count) & (seq.count > 0)).any()):
        raise ValueError(
            f"the pooler must see the steps given, {seq.count.tolist()} a sequence; {inner.count.tolist()} came: "
            "give the steps that it pools"
        )
    return to_layout(seq, steps)


@contextmanager
def _watched(pooler: AttentionBase) -> Iterator[Seen]:
    """Keep what the pooler weighs; in its own methods, since a pooler inside another is never called itself."""
    seen: Seen = []
    weigh = pooler.weigh

    def watch(seq: Sequences) -> tuple[Tensor, Tensor]:
        pooled, weights = weigh(seq)
        seen.append((seq, weights))
        return pooled, weights

    pooler.weigh = watch  # type: ignore[method-assign]  # on this one instance, and taken away below
    pooler.pool = lambda seq: watch(seq)[0]  # type: ignore[method-assign]  # it may pool without weights otherwise
    try:
        yield seen
    finally:
        del pooler.weigh, pooler.pool
