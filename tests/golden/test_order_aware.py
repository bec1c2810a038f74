"""DCT, windows, pyramids and Set2Set against scipy, torch's pooling layers, PyTorch Geometric and sums by hand."""

from typing import Literal

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from seqpool.poolers.dct import DCTPooler
from seqpool.poolers.hierarchical import HierarchicalPooler
from seqpool.poolers.pyramid import PyramidPooler
from seqpool.poolers.set2set import Set2SetPooler

LENGTHS = (7, 1, 4, 12, 3)


def sequences(width: int = 3) -> list[Tensor]:
    return [torch.randn(n, width, dtype=torch.float64) for n in LENGTHS]


def with_holes(own: list[Tensor]) -> tuple[Tensor, Tensor]:
    """The same steps with NaN before, between and behind them, and the mask that says which they are."""
    padded = torch.full((len(own), 2 * max(LENGTHS), own[0].shape[1]), float("nan"), dtype=torch.float64)
    mask = torch.zeros(padded.shape[:2], dtype=torch.bool)
    for b, x in enumerate(own):
        place = torch.randperm(padded.shape[1])[: x.shape[0]].sort().values
        padded[b, place], mask[b, place] = x, True
    return padded, mask


def test_dct_of_one_to_four() -> None:
    # dct(1:4) of MATLAB's Signal Processing Toolbox, which is orthonormal: 5.0000 -2.2304 0 -0.1585.
    x = torch.tensor([[[1.0], [2.0], [3.0], [4.0]]])
    torch.testing.assert_close(DCTPooler(4)(x), torch.tensor([[5.0, -2.2304, 0.0, -0.1585]]), rtol=0, atol=5e-5)


@pytest.mark.parametrize("k", [1, 2, 5, 12])
def test_dct_as_its_authors_compute_it(k: int) -> None:
    # github.com/N-Almarwani/DCT_Sentence_Embedding: dct(x, norm="ortho", axis=0)[:k], with n=k where there are fewer.
    scipy_fftpack = pytest.importorskip("scipy.fftpack", reason="scipy is the independent transform")
    own = sequences()
    padded, mask = with_holes(own)
    want = [torch.from_numpy(scipy_fftpack.dct(x.numpy(), n=max(k, x.shape[0]), norm="ortho", axis=0)[:k]) for x in own]
    torch.testing.assert_close(DCTPooler(k)(padded, mask=mask), torch.stack(want).flatten(1))


def test_dct_keeps_its_digits_over_long_sequences() -> None:
    x = torch.rand(1, 5000, 2)
    torch.testing.assert_close(DCTPooler(40)(x).double(), DCTPooler(40)(x.double()), rtol=1e-5, atol=1e-4)


def test_dct_of_every_coefficient_keeps_lengths() -> None:
    # An orthonormal transform is a rotation (Parseval).
    x = torch.randn(1, 9, 4, dtype=torch.float64)
    torch.testing.assert_close(DCTPooler(9)(x).norm(), x.norm())


def test_windows_by_hand() -> None:
    # Means of three: 3, 2, 4; of all four where the window is longer: 3.25.
    x = torch.tensor([[[4.0], [3.0], [2.0], [1.0], [9.0]], [[1.0], [7.0], [0.0], [5.0], [0.0]]])
    assert HierarchicalPooler(3)(x).flatten().tolist() == [4.0, 4.0]
    assert HierarchicalPooler(3)(x, lengths=[4, 2]).flatten().tolist() == [3.0, 4.0]
    assert HierarchicalPooler(9)(x, lengths=[4, 4]).flatten().tolist() == [2.5, 3.25]


@pytest.mark.parametrize("window", [1, 2, 5, 20])
def test_windows_as_pooling_layers(window: int) -> None:
    # SWEM-hier is average pooling with stride 1 and without padding, then maximum pooling.
    own = sequences()
    padded, mask = with_holes(own)
    means = [F.avg_pool1d(x.T.unsqueeze(0), min(window, x.shape[0]), stride=1) for x in own]
    want = torch.cat([F.adaptive_max_pool1d(mean, 1).flatten(1) for mean in means])
    torch.testing.assert_close(HierarchicalPooler(window)(padded, mask=mask), want)


@pytest.mark.parametrize("reduce", ["max", "mean"])
@pytest.mark.parametrize("n", range(1, 14))
def test_pyramid_as_adaptive_pooling(n: int, reduce: Literal["max", "mean"]) -> None:
    x = torch.randn(2, n, 3, dtype=torch.float64)
    bins = (1, 2, 3, 5, 8)
    layers = [torch.nn.AdaptiveMaxPool1d(b) if reduce == "max" else torch.nn.AdaptiveAvgPool1d(b) for b in bins]
    want = torch.cat([layer(x.transpose(1, 2)).transpose(1, 2).flatten(1) for layer in layers], dim=1)
    padded = F.pad(x, (0, 0, 2, 3), value=float("nan"))
    mask = F.pad(torch.ones(2, n, dtype=torch.bool), (2, 3))
    torch.testing.assert_close(PyramidPooler(bins, reduce=reduce)(padded, mask=mask), want)


@pytest.mark.parametrize("steps", [1, 3, 6])
def test_set2set_of_pytorch_geometric(steps: int) -> None:
    aggr = pytest.importorskip("torch_geometric.nn.aggr", reason="torch_geometric is the peer")
    own = sequences()
    x = torch.cat(own).requires_grad_()
    index = torch.arange(len(own)).repeat_interleave(torch.tensor(LENGTHS))
    theirs, ours = aggr.Set2Set(3, processing_steps=steps).double(), Set2SetPooler(3, steps=steps).double()
    ours.load_state_dict({name.removesuffix("_l0"): weight for name, weight in theirs.state_dict().items()})
    want = theirs(x, index, dim_size=len(own))
    got = ours(x, offsets=F.pad(torch.tensor(LENGTHS).cumsum(0), (1, 0)))
    torch.testing.assert_close(got, want)
    cotangent = torch.randn_like(want)
    weights = zip(
        torch.autograd.grad(got, [x, *ours.parameters()], cotangent),
        torch.autograd.grad(want, [x, *theirs.parameters()], cotangent),
        strict=True,
    )
    for one, other in weights:
        torch.testing.assert_close(one, other)


def test_set2set_sees_a_set() -> None:
    pooler, x = Set2SetPooler(4), torch.randn(1, 6, 4)
    torch.testing.assert_close(pooler(x.flip(1)), pooler(x))
