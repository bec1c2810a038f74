"""Reductions: the k largest values of each feature."""

from typing import final

import torch
import torch.nn.functional as F
from torch import Tensor

from seqpool.layout import Sequences
from seqpool.ops import gather, sort, total
from seqpool.poolers.base import Pooler, check_at_least_one, settle


def k_max(seq: Sequences, k: int) -> Tensor:
    """The k largest values of each feature in the order of the steps, `(B, k * F)`; see `KMaxPooler`."""
    rows = seq.values
    if 0 in rows.shape:
        return settle(seq, total(seq, rows).repeat(1, k))
    ordered, places = sort(seq, rows, descending=True)
    size = rows.shape[seq.time or 0]
    absent = (seq.count.unsqueeze(1) <= torch.arange(k, device=rows.device)).unsqueeze(2)
    largest = torch.stack([gather(ordered, places, ordered.last().clamp(max=j)) for j in range(k)], dim=1)
    # What is absent sorts behind the last row, and so comes after the steps.
    chosen = torch.where(absent, size, largest).sort(1).values.clamp(max=size - 1)
    return settle(seq, torch.where(absent, 0, _pick(seq, rows, chosen)).flatten(1))


def top_k_mean(seq: Sequences, k: int) -> Tensor:
    """Average of the k largest values of each feature, `(B, F)`; see `TopKMeanPooler`."""
    ordered, _ = sort(seq, seq.values, descending=True)
    kept = (ordered.position() < k).unsqueeze(-1)
    summed = total(ordered, torch.where(kept, ordered.values, 0))
    return settle(seq, summed / seq.count.clamp(min=1, max=k).unsqueeze(1))


def _pick(seq: Sequences, rows: Tensor, places: Tensor) -> Tensor:
    """The values `(B, k, F)` at `places` along the row axis, `(B, k, F)`."""
    if seq.time is None:
        return rows.gather(0, places.flatten(0, 1)).view_as(places)
    return rows.gather(1, places) if seq.time == 1 else rows.gather(0, places.transpose(0, 1)).transpose(0, 1)


@final
class KMaxPooler(Pooler):
    r"""Take the k largest values of each feature, in the order in which they come in the sequence.

    .. math:: y = [x_{t_1}; \dots; x_{t_k}], \quad t_1 < \dots < t_k

    where each feature has its own steps t, those of its k largest values; of equal values the first. Where n < k the
    values of all n steps come first, and zeros after them.

    Source: section 3.2 of Kalchbrenner et al. 2014, "A Convolutional Neural Network for Modelling Sentences"
    (https://aclanthology.org/P14-1062/); unlike its dynamic pooling, k does not depend on n.

    Args:
        k: number of values to keep.

    Shape:
        n steps of D features -> k * D features: the first kept value of every feature, then the second, ...

    Raises:
        ValueError: `k` is below 1.

    Example:
        >>> x = torch.tensor([[[3.0], [1.0], [5.0], [2.0], [9.0]]])
        >>> KMaxPooler(2)(x, lengths=[4])
        tensor([[3., 5.]])
    """

    samples = ({"k": 2}, {"k": 4})
    order = True
    piecewise = True
    also = ("k-max pooling", "DCNN")

    def __init__(self, k: int) -> None:
        super().__init__()
        check_at_least_one("k", k, "it is the number of values to keep")
        self.k = k

    def one(self, x: Tensor) -> Tensor:
        steps = x.sort(dim=0, descending=True, stable=True).indices[: self.k].sort(0).values
        return F.pad(x.gather(0, steps), (0, 0, 0, self.k - steps.shape[0])).flatten()

    def pool(self, seq: Sequences) -> Tensor:
        return k_max(seq, self.k)

    def out_features(self, in_features: int) -> int:
        return self.k * in_features

    def extra_repr(self) -> str:
        return f"k={self.k}"


@final
class TopKMeanPooler(Pooler):
    r"""Average the k largest values of each feature.

    .. math:: y = \frac{1}{\min(n, k)} \sum_{i=1}^{\min(n, k)} x_{(i)}

    where :math:`x_{(1)} \ge \dots \ge x_{(n)}` are the sorted values of one feature; of equal values the first count.
    Where n < k it is the mean of all n.

    Source: the K-max pooling of Chen et al. 2021, "Learning the Best Pooling Strategy for Visual Semantic Embedding"
    (https://arxiv.org/abs/2011.04305).

    Args:
        k: number of values to average.

    Shape:
        n steps of D features -> D features.

    Raises:
        ValueError: `k` is below 1.

    Example:
        >>> x = torch.tensor([[[3.0], [1.0], [5.0], [2.0], [9.0]]])
        >>> TopKMeanPooler(2)(x, lengths=[4])
        tensor([[4.]])
    """

    samples = ({"k": 2}, {"k": 4})
    piecewise = True
    also = ("top-k average", "K-max of VSE infinity")

    def __init__(self, k: int) -> None:
        super().__init__()
        check_at_least_one("k", k, "it is the number of values to average")
        self.k = k

    def one(self, x: Tensor) -> Tensor:
        return x.sort(dim=0, descending=True, stable=True).values[: self.k].mean(0)

    def pool(self, seq: Sequences) -> Tensor:
        return top_k_mean(seq, self.k)

    def extra_repr(self) -> str:
        return f"k={self.k}"
