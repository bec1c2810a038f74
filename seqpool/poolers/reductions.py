"""Reductions: mean, sum, maximum and minimum over the steps."""

from typing import final

from torch import Tensor

from seqpool import ops
from seqpool.layout import Sequences
from seqpool.poolers.base import Pooler, settle


def mean(seq: Sequences) -> Tensor:
    """Average of the real steps, `(B, F)`; see `MaskedMeanPooler`."""
    return settle(seq, ops.mean(seq, seq.values))


def sum(seq: Sequences) -> Tensor:  # noqa: A001  # the field's name; read as seqpool.functional.sum
    """Sum of the real steps, `(B, F)`; see `MaskedSumPooler`."""
    return settle(seq, ops.total(seq, seq.values, seq.values.dtype))


def max(seq: Sequences) -> Tensor:  # noqa: A001  # the field's name; read as seqpool.functional.max
    """Largest value of each feature over the real steps, `(B, F)`; see `MaskedMaxPooler`."""
    return settle(seq, ops.peak(seq, seq.values))


def min(seq: Sequences) -> Tensor:  # noqa: A001  # the field's name; read as seqpool.functional.min
    """Smallest value of each feature over the real steps, `(B, F)`; see `MaskedMinPooler`."""
    return settle(seq, ops.peak(seq, seq.values, largest=False))


@final
class MaskedMeanPooler(Pooler):
    r"""Average the steps.

    .. math:: y = \frac{1}{n} \sum_{t=1}^{n} x_t

    Source: the averaging of Iyyer et al. 2015, "Deep Unordered Composition Rivals Syntactic Methods for Text
    Classification" (https://aclanthology.org/P15-1162/).

    Shape:
        n steps of D features -> D features.

    Example:
        >>> x = torch.tensor([[[1.0], [3.0], [9.0]]])
        >>> MaskedMeanPooler()(x, lengths=[2])
        tensor([[2.]])
    """

    piecewise = True
    also = (
        "mean pooling",
        "average pooling",
        "mean over time",
        "avg-over-time",
        "TAP",
        "temporal average pooling",
        "GAP",
        "global average pooling",
        "SWEM-aver",
        "DAN",
        "fastText",
    )

    def one(self, x: Tensor) -> Tensor:
        return x.mean(0)

    def pool(self, seq: Sequences) -> Tensor:
        return mean(seq)


@final
class MaskedSumPooler(Pooler):
    r"""Add the steps up.

    .. math:: y = \sum_{t=1}^{n} x_t

    Source: the sum aggregator of Zaheer et al. 2017, "Deep Sets" (https://arxiv.org/abs/1703.06114).

    Shape:
        n steps of D features -> D features.

    Example:
        >>> x = torch.tensor([[[1.0], [3.0], [9.0]]])
        >>> MaskedSumPooler()(x, lengths=[2])
        tensor([[4.]])
    """

    piecewise = True
    also = ("sum pooling", "sum over time", "add pooling", "global add pooling", "DeepSets", "bag of vectors", "SPoC")

    def one(self, x: Tensor) -> Tensor:
        return x.sum(0)

    def pool(self, seq: Sequences) -> Tensor:
        return sum(seq)


@final
class MaskedMaxPooler(Pooler):
    r"""Take the largest value of each feature; the gradient goes to the first step that has it.

    .. math:: y_d = \max_{t} x_{t,d}

    Source: max-over-time pooling of Collobert et al. 2011, "Natural Language Processing (Almost) from Scratch"
    (https://arxiv.org/abs/1103.0398).

    Shape:
        n steps of D features -> D features.

    Example:
        >>> x = torch.tensor([[[1.0], [3.0], [9.0]]])
        >>> MaskedMaxPooler()(x, lengths=[2])
        tensor([[3.]])
    """

    piecewise = True
    also = (
        "max pooling",
        "max over time",
        "max-over-time",
        "1-max pooling",
        "GMP",
        "global max pooling",
        "SWEM-max",
        "BiLSTM-max",
        "InferSent",
        "MAC",
    )

    def one(self, x: Tensor) -> Tensor:
        return x.max(0).values

    def pool(self, seq: Sequences) -> Tensor:
        return max(seq)


@final
class MaskedMinPooler(Pooler):
    r"""Take the smallest value of each feature; the gradient goes to the first step that has it.

    .. math:: y_d = \min_{t} x_{t,d}

    Source: one of the power means, p to minus infinity, of Rücklé et al. 2018, "Concatenated Power Mean Word
    Embeddings as Universal Cross-Lingual Sentence Representations" (https://arxiv.org/abs/1803.01400).

    Shape:
        n steps of D features -> D features.

    Example:
        >>> x = torch.tensor([[[1.0], [3.0], [0.0]]])
        >>> MaskedMinPooler()(x, lengths=[2])
        tensor([[1.]])
    """

    piecewise = True
    also = ("min over time", "min pooling")

    def one(self, x: Tensor) -> Tensor:
        return x.min(0).values

    def pool(self, seq: Sequences) -> Tensor:
        return min(seq)
