"""Weighted: weights from how often a token occurs, for the poolers that take the caller's weights."""

import torch
from torch import Tensor

from seqpool.layout import on_host


def smooth_inverse_frequency(counts: Tensor, *, a: float = 1e-3) -> Tensor:
    r"""Weigh each token of a vocabulary by its smooth inverse frequency; a token never counted weighs 1.

    Index the result with token ids, and give that as `weights` to `WeightedSumPooler` or `WeightedMeanPooler`. Unlike
    both, the paper divides the weighted sum by n: the same direction, another length. Its second step, removing the
    first principal component of a set of pooled vectors, pools nothing and is not done here.

    .. math:: w_i = \frac{a}{a + p_i}, \quad p_i = \frac{c_i}{\sum_j c_j}

    Source: Arora et al. 2017, "A Simple but Tough-to-Beat Baseline for Sentence Embeddings"
    (https://openreview.net/forum?id=SyK00v5xx).

    Also: SIF, SIF weights.

    Args:
        counts: how often each token of the vocabulary occurs in a corpus, whole numbers or not.
        a: the frequency at which a token weighs one half; the paper uses 1e-3 and finds 1e-4 to 1e-3 best.

    Shape:
        counts of V tokens -> V weights between 0 and 1.

    Raises:
        ValueError: `a` is not above 0, or a count is negative.

    Example:
        >>> weights = smooth_inverse_frequency(torch.tensor([998, 1, 1, 0]))
        >>> weights
        tensor([0.0010, 0.5000, 0.5000, 1.0000])
        >>> ids = torch.tensor([[0, 1, 3]])
        >>> WeightedMeanPooler()(torch.randn(1, 3, 4), weights=weights[ids]).shape
        torch.Size([1, 4])
    """
    if not a > 0:
        raise ValueError(f"a must be above 0, {a} came: leave it out for 1e-3")
    if on_host(counts) and bool((counts < 0).any()):
        raise ValueError(f"counts must not be negative, {counts.min().item()} came: count the tokens of a corpus")
    counted = counts.sum()
    # Nothing counted: every token is as unseen as the next.
    frequency = counts / torch.where(counted == 0, 1, counted)
    return a / (a + frequency)
