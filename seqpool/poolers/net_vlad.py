"""Codebook: what the steps add to the entries of a learned codebook."""

from typing import final

import torch
from torch import Tensor, nn

from seqpool.layout import Sequences
from seqpool.ops import accumulator, compact, select, total
from seqpool.poolers.base import Pooler, check_at_least_one, settle


def _unit(vectors: Tensor) -> Tensor:
    """Divide by the Euclidean norm of the last axis; a zero vector stays 0, with gradient 0."""
    # What a far cluster gets is so small that its square is 0: scale first, which no unit vector depends on.
    scale = vectors.detach().abs().amax(-1, keepdim=True)
    # Nor may the gradient, which grows as the vector shrinks, overflow.
    info = torch.finfo(scale.dtype)
    nothing = scale < info.tiny / info.eps
    scaled = vectors / torch.where(nothing, 1, scale)
    squared = torch.where(nothing, 1, scaled.square().sum(-1, keepdim=True))
    return torch.where(nothing, 0, scaled / squared.sqrt())


def _residuals(seq: Sequences, shares: Tensor, parts: Tensor, centroids: Tensor) -> Tensor:
    """Sum of what is left of each part `(*rows, G, E)` without the centroid, by share `(*rows, G, K)`: `(B, K, E)`."""
    shares, parts, centroids = (tensor.to(accumulator(tensor.dtype)) for tensor in (shares, parts, centroids))
    # One centroid at a time: all at once would hold K times the rows.
    sums = [total(seq, (shares[..., k : k + 1] * (parts - centroids[k])).sum(-2)) for k in range(centroids.shape[0])]
    return torch.stack(sums, dim=1)


def _one_residuals(shares: Tensor, parts: Tensor, centroids: Tensor) -> Tensor:
    return torch.einsum("tgk,tgke->ke", shares, parts.unsqueeze(2) - centroids)


@final
class NetVLADPooler(Pooler):
    r"""Share each step among the clusters of a codebook, and sum what is left of it without the cluster's centroid.

    .. math:: v_k = \sum_t a_k(x_t) (x_t - c_k), \quad a(x) = softmax(W x + b), \quad
        y = \frac{[u_1; \dots; u_K]}{\|[u_1; \dots; u_K]\|}, \quad u_k = \frac{v_k}{\|v_k\|}

    A zero :math:`v_k` stays 0, and so does its gradient. Unlike the paper, it neither starts from centroids of k-means
    nor scales the steps to length 1: set `centroids` and `assign`, and normalise the steps, for that.

    Source: Arandjelović et al. 2016, "NetVLAD: CNN Architecture for Weakly Supervised Place Recognition"
    (https://arxiv.org/abs/1511.07247). W and b start at its :math:`w_k = 2 \alpha c_k` and
    :math:`b_k = -\alpha \|c_k\|^2` with :math:`\alpha = 1`, from random centroids.

    Args:
        in_features: D, the width of a step.
        clusters: K, entries of the codebook.

    Shape:
        n steps of D features -> K * D features, cluster by cluster.

    Raises:
        ValueError: a size is below 1.

    Example:
        >>> pooled = NetVLADPooler(4, clusters=3)(torch.randn(2, 5, 4), lengths=[5, 1])
        >>> pooled.shape, torch.allclose(pooled.norm(dim=1), torch.ones(2))
        (torch.Size([2, 12]), True)
    """

    samples = ({"clusters": 3}, {"clusters": 1})
    also = ("NetVLAD", "VLAD")

    def __init__(self, in_features: int, *, clusters: int = 64) -> None:
        super().__init__()
        check_at_least_one("in_features", in_features, "the width of output")
        check_at_least_one("clusters", clusters, "leave it out for 64")
        self.centroids = nn.Parameter(torch.randn(clusters, in_features) / in_features**0.5)
        self.assign = nn.Linear(in_features, clusters)
        with torch.no_grad():
            self.assign.weight.copy_(2 * self.centroids)
            self.assign.bias.copy_(-self.centroids.square().sum(1))

    def one(self, x: Tensor) -> Tensor:
        shares = self.assign(x).softmax(-1)
        return _unit(_unit(_one_residuals(shares.unsqueeze(1), x.unsqueeze(1), self.centroids)).flatten())

    def pool(self, seq: Sequences) -> Tensor:
        seq = compact(seq)
        rows = select(seq, seq.values)
        scores = self.assign(rows)
        shares = scores.to(accumulator(scores.dtype)).softmax(-1)
        residuals = _residuals(seq, shares.unsqueeze(-2), rows.unsqueeze(-2), self.centroids)
        return settle(seq, _unit(_unit(residuals).flatten(1)))

    def out_features(self, in_features: int) -> int:
        return self.centroids.numel()

    def extra_repr(self) -> str:
        return f"clusters={self.centroids.shape[0]}"


@final
class NeXtVLADPooler(Pooler):
    r"""Widen each step, cut it into groups, and let the groups share one codebook, each weighed by its own gate.

    .. math:: v_k = \sum_t \sum_g \sigma(u_g^\top z_t + d_g) \, a_{g,k}(z_t) (z_t^g - c_k), \quad z_t = W x_t + b, \quad
        y_k = \frac{v_k}{\|v_k\|}

    where :math:`a_g(z)` is a softmax over the K clusters of a linear map of all of z, and :math:`z^g` is group g of it.
    A zero :math:`v_k` stays 0, and so does its gradient. Unlike the released code, it has no batch normalisation of
    scores and result, which would make a sequence depend on its batch.

    Source: Lin et al. 2018, "NeXtVLAD: An Efficient Neural Network to Aggregate Frame-level Features for Large-scale
    Video Classification" (https://arxiv.org/abs/1811.05014), with the defaults of the released code.

    Args:
        in_features: D, the width of a step.
        clusters: K, entries of the codebook.
        expansion: how many times wider a step is made.
        groups: G, parts that the wide step is cut into.

    Shape:
        n steps of D features -> K * (expansion * D / G) features, cluster by cluster.

    Raises:
        ValueError: a size is below 1, or `groups` does not divide `expansion * in_features`.

    Example:
        >>> NeXtVLADPooler(8, clusters=3, groups=4)(torch.randn(2, 5, 8), lengths=[5, 1]).shape
        torch.Size([2, 12])
    """

    samples = ({"clusters": 3, "groups": 2}, {"clusters": 2, "groups": 1, "expansion": 1})
    also = ("NeXtVLAD",)

    def __init__(self, in_features: int, *, clusters: int = 64, expansion: int = 2, groups: int = 8) -> None:
        super().__init__()
        check_at_least_one("in_features", in_features, "the width of output")
        check_at_least_one("clusters", clusters, "leave it out for 64")
        check_at_least_one("expansion", expansion, "leave it out for 2")
        check_at_least_one("groups", groups, "leave it out for 8")
        wide = expansion * in_features
        if wide % groups:
            raise ValueError(f"groups must divide expansion * in_features = {wide}, {groups} came: take a divisor")
        self.clusters, self.expansion, self.groups = clusters, expansion, groups
        self.expand = nn.Linear(in_features, wide)
        self.assign = nn.Linear(wide, groups * clusters)
        self.gate = nn.Linear(wide, groups)
        self.centroids = nn.Parameter(torch.randn(clusters, wide // groups) / (wide // groups) ** 0.5)

    def one(self, x: Tensor) -> Tensor:
        return _unit(_one_residuals(*self._grouped(x), self.centroids)).flatten()

    def pool(self, seq: Sequences) -> Tensor:
        seq = compact(seq)
        shares, parts = self._grouped(select(seq, seq.values))
        return settle(seq, _unit(_residuals(seq, shares, parts, self.centroids)).flatten(1))

    def _grouped(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """The share of each cluster in each group, `(*rows, G, K)`, and the groups, `(*rows, G, E)`."""
        wide = self.expand(rows)
        scores = self.assign(wide).unflatten(-1, (self.groups, self.clusters))
        shares = scores.to(accumulator(scores.dtype)).softmax(-1) * self.gate(wide).sigmoid().unsqueeze(-1)
        return shares, wide.unflatten(-1, (self.groups, -1))

    def out_features(self, in_features: int) -> int:
        return self.centroids.numel()

    def extra_repr(self) -> str:
        return f"clusters={self.clusters}, expansion={self.expansion}, groups={self.groups}"
