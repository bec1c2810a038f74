"""Final states: the first and the last real step of anything."""

from typing import final

import torch
from torch import Tensor

from seqpool.layout import Sequences
from seqpool.ops import gather
from seqpool.poolers.base import Pooler, settle


def first(seq: Sequences) -> Tensor:
    """The first real step, `(B, F)`; see `FirstPooler`."""
    return settle(seq, gather(seq.span(), seq.values, torch.zeros_like(seq.lengths)))


def last(seq: Sequences) -> Tensor:
    """The last real step, `(B, F)`; see `LastPooler`."""
    span = seq.span()
    return settle(seq, gather(span, seq.values, span.last()))


@final
class FirstPooler(Pooler):
    r"""Take the first real step, as BERT's classifier takes the `[CLS]` token.

    .. math:: y = x_1

    Source: Devlin et al. 2019, "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding"
    (https://arxiv.org/abs/1810.04805).

    Shape:
        n steps of D features -> D features.

    Example:
        >>> x = torch.tensor([[[9.0], [1.0], [3.0]]])
        >>> FirstPooler()(x, mask=torch.tensor([[0, 1, 1]]))
        tensor([[1.]])
    """

    order = True
    piecewise = True
    also = ("CLS", "CLS pooling", "first token", "cls_token", "BOS")

    def one(self, x: Tensor) -> Tensor:
        return x[0]

    def pool(self, seq: Sequences) -> Tensor:
        return first(seq)


@final
class LastPooler(Pooler):
    r"""Take the last real step, as GPT's classifier takes the last token.

    The backward half of a bidirectional RNN has read nothing but that step there: use `BiConcatPooler` for one.

    .. math:: y = x_n

    Source: Radford et al. 2018, "Improving Language Understanding by Generative Pre-Training"
    (https://cdn.openai.com/research-covers/language-unsupervised/language_understanding_paper.pdf).

    Shape:
        n steps of D features -> D features.

    Example:
        >>> x = torch.tensor([[[1.0], [3.0], [9.0]]])
        >>> LastPooler()(x, lengths=[2])
        tensor([[3.]])
    """

    order = True
    piecewise = True
    also = ("last token", "last-token pooling", "lasttoken", "EOS", "last time step")

    def one(self, x: Tensor) -> Tensor:
        return x[-1]

    def pool(self, seq: Sequences) -> Tensor:
        return last(seq)
