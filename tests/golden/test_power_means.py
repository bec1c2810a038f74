"""Power means and smooth maxima, against published formulas, torch's own pooling and PyTorch Geometric."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from seqpool.poolers.base import Pooler
from seqpool.poolers.power_means import GeMPooler, PowerMeanPooler
from seqpool.poolers.soft_extremes import LogSumExpPooler, SoftmaxPooler

NAN, INF = float("nan"), float("inf")
LENGTHS = [9, 1, 4, 2, 30]


def _pooled(pooler: Pooler, sequences: list[Tensor]) -> Tensor:
    padded = pad_sequence(sequences, batch_first=True, padding_value=NAN)
    pooled: Tensor = pooler(padded, lengths=[x.shape[0] for x in sequences])
    return pooled


def _flat(sequences: list[Tensor]) -> tuple[Tensor, Tensor]:
    index = torch.cat([torch.full((x.shape[0],), b) for b, x in enumerate(sequences)])
    return torch.cat(sequences), index


def test_three_cubes_make_a_cube() -> None:
    # 3^3 + 4^3 + 5^3 = 6^3, so their power mean is 6 / 3^(1/3).
    x = torch.tensor([[3.0], [4.0], [5.0]])
    want = torch.tensor([[6 / 3 ** (1 / 3)]])
    torch.testing.assert_close(_pooled(PowerMeanPooler(power=3), [x]), want)
    torch.testing.assert_close(_pooled(PowerMeanPooler(power=3), [-x]), -want)
    torch.testing.assert_close(_pooled(GeMPooler(1), [x]).detach(), want)


@pytest.mark.parametrize("power", [1, 2, 3, 5])
def test_power_mean_equals_torch_lp_pool(power: int) -> None:
    # GeM (Radenovic et al. 2018, equation 3) is torch's power-average pooling over everything, over n^(1/p).
    sequences = [torch.rand(n, 4) for n in LENGTHS]
    want = [F.lp_pool1d(x.T, power, x.shape[0]).flatten() / x.shape[0] ** (1 / power) for x in sequences]
    torch.testing.assert_close(_pooled(PowerMeanPooler(power=power), sequences), torch.stack(want))
    torch.testing.assert_close(_pooled(GeMPooler(4, power=power), sequences).detach(), torch.stack(want))


def test_power_1_is_the_mean_with_its_gradient_at_0() -> None:
    x = torch.tensor([[[0.0, 0.0, 2.0], [0.0, -1.0, 0.0]]]).requires_grad_()
    pooled = PowerMeanPooler(power=1)(x)
    torch.testing.assert_close(pooled, x.mean(1))
    torch.testing.assert_close(torch.autograd.grad(pooled.sum(), x)[0], torch.full_like(x, 0.5))


@pytest.mark.parametrize("power", [0.5, 1.5, 3.0])
def test_a_dead_channel_has_no_gradient(power: float) -> None:
    x = torch.tensor([[[0.0, 1.0], [0.0, 0.0], [0.0, 4.0]]]).requires_grad_()
    pooler = GeMPooler(2, power=power)
    pooled = pooler(x)
    at_x, at_power = torch.autograd.grad(pooled.sum(), [x, pooler.power])
    assert pooled[0, 0].item() == 0
    assert not at_x[..., 0].any()
    assert at_power[0].item() == 0
    assert at_x.isfinite().all()
    assert at_x[0, 0, 1] > 0


def test_no_power_leaves_the_range_of_the_data() -> None:
    # PyTorch Geometric clamps to [1e-4, 100] against this; 100^100 and 1e-30^100 are out of range of any float.
    for value in (1e-30, 1e-4, 100.0, 1e30):
        x = torch.tensor([[value], [value / 2]])
        want = torch.tensor([[value * 0.5**0.01]])
        torch.testing.assert_close(_pooled(PowerMeanPooler(power=100), [x]), want, rtol=1e-5, atol=0)


def test_power_mean_and_softmax_equal_pytorch_geometric() -> None:
    aggr = pytest.importorskip("torch_geometric.nn.aggr", reason="PyTorch Geometric is not installed")
    sequences = [0.01 + torch.rand(n, 4) for n in LENGTHS]
    table, index = _flat(sequences)
    torch.testing.assert_close(
        _pooled(PowerMeanPooler(power=2.5), sequences), aggr.PowerMeanAggregation(p=2.5)(table, index)
    )
    # Its t is the inverse temperature.
    torch.testing.assert_close(
        _pooled(SoftmaxPooler(temperature=0.25), sequences), aggr.SoftmaxAggregation(t=4.0)(table, index)
    )


def test_log_sum_exp_of_logits() -> None:
    # Pinheiro and Collobert 2015: with r = 1, exp(y) is the mean of exp(x); large r come near the maximum.
    x = torch.tensor([[1.0], [3.0], [8.0]]).log()
    torch.testing.assert_close(_pooled(LogSumExpPooler(), [x]).exp(), torch.tensor([[4.0]]))
    torch.testing.assert_close(
        _pooled(LogSumExpPooler(sharpness=-1), [x]).exp(), torch.tensor([[3 / (1 + 1 / 3 + 1 / 8)]])
    )
    torch.testing.assert_close(_pooled(LogSumExpPooler(sharpness=1e4), [x]), x.amax(0, keepdim=True), rtol=1e-3, atol=0)
    torch.testing.assert_close(
        _pooled(LogSumExpPooler(sharpness=1e-3), [x]), x.mean(0, keepdim=True), rtol=1e-3, atol=0
    )


@pytest.mark.parametrize("value", [-1e4, 1e4])
@pytest.mark.parametrize("cls", [LogSumExpPooler, SoftmaxPooler])
def test_large_values_overflow_neither_here_nor_in_padding(
    cls: type[LogSumExpPooler | SoftmaxPooler], value: float
) -> None:
    pooler = cls(learnable=True)
    x = torch.full((1, 3, 1), value).requires_grad_()
    pooled = pooler(x, lengths=[2])
    assert pooled.item() == value
    at_x, at_weight = torch.autograd.grad(pooled, [x, *pooler.parameters()])
    assert at_x.flatten().tolist() == [0.5, 0.5, 0.0]
    assert at_weight.item() == pytest.approx(0, abs=1e-2)


def test_infinities_as_in_logsumexp() -> None:
    x = torch.tensor([[-INF, -INF, INF], [-INF, 1.0, 1.0]])
    torch.testing.assert_close(_pooled(LogSumExpPooler(), [x]), x.logsumexp(0, keepdim=True) - torch.tensor(2.0).log())


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: PowerMeanPooler(power=0), "power must be positive and finite, 0 came"),
        (lambda: PowerMeanPooler(power=INF), "power must be positive and finite, inf came"),
        (lambda: GeMPooler(4, power=-1), "power must be positive and finite, -1 came"),
        (lambda: LogSumExpPooler(sharpness=0), "sharpness must be finite and not 0, 0 came"),
        (lambda: LogSumExpPooler(sharpness=NAN), "sharpness must be finite and not 0, nan came"),
        (lambda: SoftmaxPooler(temperature=0), "temperature must be positive and finite, 0 came"),
    ],
)
def test_refusals(build: Callable[[], Pooler], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build()
