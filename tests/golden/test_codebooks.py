"""NetVLAD and NeXtVLAD against residuals by hand, and against each other."""

import math

import pytest
import torch
from torch import Tensor

from seqpool.poolers.net_vlad import NetVLADPooler, NeXtVLADPooler


def codebook(centroids: Tensor, alpha: float) -> NetVLADPooler:
    """A layer that starts as section 3.1 of the paper says: w = 2 alpha c, b = -alpha |c|^2."""
    pooler = NetVLADPooler(centroids.shape[1], clusters=centroids.shape[0]).to(centroids.dtype)
    with torch.no_grad():
        pooler.centroids.copy_(centroids)
        pooler.assign.weight.copy_(2 * alpha * centroids)
        pooler.assign.bias.copy_(-alpha * centroids.square().sum(1))
    return pooler


def test_residuals_by_hand() -> None:
    # VLAD (Jegou et al. 2010): each step goes to the nearest centroid, as the soft assignment does for large alpha.
    pooler = codebook(torch.tensor([[0.0, 0.0], [10.0, 0.0]], dtype=torch.float64), alpha=100)
    steps = [[1.0, 0.0], [0.0, 2.0], [10.0, 3.0], [math.nan, math.nan]]
    x = torch.tensor([steps], dtype=torch.float64)
    # Residuals (1, 2) and (0, 3), each made a unit vector, and then both together.
    want = torch.tensor([[1 / 5**0.5, 2 / 5**0.5, 0.0, 1.0]], dtype=torch.float64) / 2**0.5
    torch.testing.assert_close(pooler(x, lengths=[3]), want)


@pytest.mark.parametrize("alpha", [0.1, 1.0, 30.0])
def test_soft_assignment_of_equation_2(alpha: float) -> None:
    # Before it is written as a linear map, the share is exp(-alpha |x - c_k|^2), normalised over k.
    centroids = torch.randn(3, 4, dtype=torch.float64)
    x = torch.randn(1, 6, 4, dtype=torch.float64)
    sums = torch.zeros(3, 4, dtype=torch.float64)
    for step in x[0]:
        share = (-alpha * (step - centroids).square().sum(1)).softmax(0)
        for k in range(3):
            sums[k] += share[k] * (step - centroids[k])
    normalised = torch.nn.functional.normalize(sums, dim=1).flatten()
    want = torch.nn.functional.normalize(normalised, dim=0)
    torch.testing.assert_close(codebook(centroids, alpha)(x)[0], want)


def test_new_layers_assign_by_their_centroids() -> None:
    pooler = NetVLADPooler(4, clusters=3)
    torch.testing.assert_close(pooler.assign.weight, 2 * pooler.centroids)
    torch.testing.assert_close(pooler.assign.bias, -pooler.centroids.square().sum(1))


def test_steps_on_a_centroid_give_zeros_and_no_gradient() -> None:
    pooler = codebook(torch.ones(1, 2), alpha=1)
    x = torch.ones(1, 3, 2, requires_grad=True)
    pooled = pooler(x)
    pooled.sum().backward()
    assert pooled.tolist() == [[0.0, 0.0]]
    for gradient in (x.grad, pooler.centroids.grad, pooler.assign.weight.grad, pooler.assign.bias.grad):
        assert gradient is not None
        assert not gradient.any()


@pytest.mark.parametrize("distance", [5.0, 7.0, 9.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_a_far_cluster_has_a_direction_without_underflow(distance: float, dtype: torch.dtype) -> None:
    # Its share falls to exp(-81), and the square of that below the smallest float32.
    pooler = codebook(torch.tensor([[0.0, 0.0], [distance, 1.0]], dtype=torch.float64), alpha=1)
    steps = torch.tensor([[[0.5, 0.25], [-0.25, 0.125]]], dtype=torch.float64)
    want = pooler.to(dtype).double()(steps)
    x = steps.to(dtype).requires_grad_()
    pooled = pooler.to(dtype)(x)
    torch.testing.assert_close(pooled.double(), want, rtol=1e-2, atol=1e-2)
    gradients = torch.autograd.grad(pooled.sum(), [x, *pooler.parameters()])
    assert all(gradient.isfinite().all() for gradient in gradients)


def test_nextvlad_of_one_open_group_is_netvlad() -> None:
    # Section 3.2 of the paper: without expansion, groups and attention the formula is NetVLAD's.
    net = NetVLADPooler(4, clusters=3).double()
    wide = NeXtVLADPooler(4, clusters=3, expansion=1, groups=1).double()
    with torch.no_grad():
        wide.expand.weight.copy_(torch.eye(4))
        wide.expand.bias.zero_()
        wide.gate.weight.zero_()
        wide.gate.bias.fill_(50.0)
    wide.assign.load_state_dict(net.assign.state_dict())
    wide.centroids = net.centroids
    x = torch.randn(2, 5, 4, dtype=torch.float64)
    # Each of the 3 clusters is a unit vector; NetVLAD makes all of them together one.
    torch.testing.assert_close(wide(x, lengths=[5, 2]) / 3**0.5, net(x, lengths=[5, 2]))


def test_nextvlad_by_its_equation() -> None:
    pooler = NeXtVLADPooler(6, clusters=3, expansion=2, groups=4).double()
    x = torch.randn(1, 5, 6, dtype=torch.float64)
    sums = torch.zeros(3, 3, dtype=torch.float64)
    for step in x[0]:
        wide = pooler.expand.weight @ step + pooler.expand.bias
        for g in range(4):
            gate = torch.sigmoid(pooler.gate.weight[g] @ wide + pooler.gate.bias[g])
            own = slice(3 * g, 3 * g + 3)
            share = (pooler.assign.weight[own] @ wide + pooler.assign.bias[own]).softmax(0)
            for k in range(3):
                sums[k] = sums[k] + gate * share[k] * (wide[own] - pooler.centroids[k])
    torch.testing.assert_close(pooler(x)[0], torch.nn.functional.normalize(sums, dim=1).flatten())


def test_nextvlad_counts_parameters_as_its_paper() -> None:
    # Section 3.2: lambda N (N + G + K (G + (H + 1) / G)) weights, H those of the layer behind it, so here H = 0.
    n, expansion, groups, clusters = 1024, 2, 8, 128
    pooler = NeXtVLADPooler(n, clusters=clusters, expansion=expansion, groups=groups)
    weights = sum(weight.numel() for weight in pooler.parameters() if weight.dim() > 1)
    assert weights == expansion * n * (n + groups + clusters * groups + clusters // groups)
