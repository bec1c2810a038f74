"""Transformers: the first token through the layer that BERT is trained with."""

from typing import final

import torch
from torch import Tensor, nn

from seqpool.layout import Sequences
from seqpool.poolers.base import Pooler, check_at_least_one, settle
from seqpool.poolers.ends import first


@final
class BertPooler(Pooler):
    r"""Take the first real step through a linear layer and a tanh.

    .. math:: y = \tanh(W x_1 + b)

    Source: Devlin et al. 2019, "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding"
    (https://arxiv.org/abs/1810.04805); the weights, `dense.weight` and `dense.bias`, are named as in `pooler` of
    transformers' `BertModel`, whose `state_dict` it loads.

    Args:
        in_features: D, the width of a step.

    Shape:
        n steps of D features -> D features.

    Raises:
        ValueError: `in_features` is below 1.

    Example:
        >>> BertPooler(4)(torch.randn(2, 3, 4), lengths=[3, 1]).shape
        torch.Size([2, 4])
    """

    order = True
    also = ("pooler_output", "CLS with a tanh layer")

    def __init__(self, in_features: int) -> None:
        super().__init__()
        check_at_least_one("in_features", in_features, "the width of output")
        self.dense = nn.Linear(in_features, in_features)

    def one(self, x: Tensor) -> Tensor:
        return torch.tanh(self.dense(x[0]))

    def pool(self, seq: Sequences) -> Tensor:
        pooled = self.dense(first(seq)).tanh()
        return settle(seq, torch.where((seq.count > 0).unsqueeze(1), pooled, 0))
