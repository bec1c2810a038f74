"""Attention by maxima, channels, statistics and powers agrees with PyTorch's attention and with what papers claim."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqpool.poolers.attentive_statistics import AttentiveStatisticsPooler
from seqpool.poolers.channel_attention import ChannelAttentionPooler
from seqpool.poolers.max_attention import MaxAttentionPooler
from seqpool.poolers.sim_pool import SimPooler
from tests.golden.attending import LENGTHS, MASK, attention, hidden, linear


@pytest.fixture
def x() -> Tensor:
    return torch.randn(3, 5, 4, dtype=torch.float64)


def test_max_attention_by_hand() -> None:
    # Maini 2020: q = (3, 4); the directions are (3, 0)/3 and (0, 4)/4, so the scores are 3 and 4; zeros score 0.
    x = torch.tensor([[[3.0, 0.0], [0.0, 4.0], [0.0, 0.0]]], dtype=torch.float64, requires_grad=True)
    pooled, weights = MaxAttentionPooler()(x, return_weights=True)
    mass = torch.tensor([math.exp(3), math.exp(4), 1.0], dtype=torch.float64)
    torch.testing.assert_close(weights.flatten(), mass / mass.sum())
    torch.testing.assert_close(pooled, torch.stack([3 * mass[0], 4 * mass[1]]).unsqueeze(0) / mass.sum())
    (gradient,) = torch.autograd.grad(pooled.sum(), x)
    assert gradient.isfinite().all()


def test_max_attention_is_scaled_dot_product_attention_of_directions(x: Tensor) -> None:
    query = x.masked_fill(~MASK.unsqueeze(2), -math.inf).amax(1, keepdim=True)
    theirs = attention(query, F.normalize(x, dim=2), x, 1.0).squeeze(1)
    torch.testing.assert_close(MaxAttentionPooler()(hidden(x), lengths=LENGTHS), theirs)


def test_channel_attention_has_mean_and_maximum_as_special_cases(x: Tensor) -> None:
    # Chen 2018, section 3.3: equal scores give mean pooling, scores that grow with the steps max pooling.
    pooler = ChannelAttentionPooler(4).double()
    nn.init.zeros_(linear(pooler.scores, 2).weight)
    mean = torch.stack([steps[:n].mean(0) for steps, n in zip(x, LENGTHS, strict=True)])
    torch.testing.assert_close(pooler(hidden(x), lengths=LENGTHS), mean)
    with torch.no_grad():
        linear(pooler.scores, 0).weight.copy_(torch.eye(4))
        linear(pooler.scores, 0).bias.fill_(10.0)
        linear(pooler.scores, 2).weight.copy_(1e6 * torch.eye(4))
    largest = torch.stack([steps[:n].amax(0) for steps, n in zip(x, LENGTHS, strict=True)])
    torch.testing.assert_close(pooler(hidden(x), lengths=LENGTHS), largest)


def test_equal_attention_gives_statistics_pooling(x: Tensor) -> None:
    # Okabe 2018, section 3: statistics pooling is the case of equal weights.
    pooler = AttentiveStatisticsPooler(4).double()
    nn.init.zeros_(linear(pooler.scores, 2).weight)
    steps = [rows[:n] for rows, n in zip(x, LENGTHS, strict=True)]
    theirs = torch.stack([torch.cat([rows.mean(0), rows.std(0, correction=0)]) for rows in steps])
    torch.testing.assert_close(pooler(hidden(x), lengths=LENGTHS), theirs)


def test_attentive_statistics_in_the_form_of_the_paper(x: Tensor) -> None:
    pooler = AttentiveStatisticsPooler(4, hidden_features=6).double()
    query, key = linear(pooler.scores, 2).weight.expand(3, -1, -1), linear(pooler.scores, 0)(x).tanh()
    mean, square = attention(query, key, torch.cat([x, x.square()], 2), 1.0).squeeze(1).chunk(2, dim=1)
    torch.testing.assert_close(
        pooler(hidden(x), lengths=LENGTHS), torch.cat([mean, (square - mean.square()).sqrt()], 1)
    )


def test_sim_pool_by_hand() -> None:
    # No attention, gamma 2: a layer norm makes (1, 3) and (3, 1) of themselves (-1, 1) and (1, -1), above the minimum
    # (0, 2) and (2, 0), so the root of the mean of 0 and 4.
    pooler = SimPooler(2, gamma=2.0)
    nn.init.zeros_(pooler.query.weight)
    pooled = pooler(torch.tensor([[[1.0, 3.0], [3.0, 1.0], [math.nan, math.nan]]]), lengths=[2])
    torch.testing.assert_close(pooled, torch.full((1, 2), math.sqrt(2)), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("gamma", [1.25, 2.0])
def test_sim_pool_is_scaled_dot_product_attention_over_powers(x: Tensor, gamma: float) -> None:
    pooler = SimPooler(4, gamma=gamma).double()
    real = MASK.unsqueeze(2)
    z = pooler.norm(x)
    query = pooler.query(torch.where(real, x, 0).sum(1, keepdim=True) / real.sum(1, keepdim=True))
    above = z - torch.where(real, z, math.inf).amin((1, 2), keepdim=True) + 1e-6
    theirs = attention(query, pooler.key(z), above.clamp(min=0) ** gamma, 0.5).squeeze(1) ** (1 / gamma)
    torch.testing.assert_close(pooler(hidden(x), lengths=LENGTHS), theirs)


def test_the_exponent_is_that_of_the_released_models() -> None:
    # The authors' model cards: gamma=1.25 of vits_supervised_simpool_ep300, gamma=2.0 of resnet50_dino_simpool_ep100.
    # A sequence of steps is what the transformer gives.
    assert SimPooler(4).gamma == 1.25


def test_the_smallest_value_of_sim_pool_is_that_of_the_sequence(x: Tensor) -> None:
    pooler = SimPooler(4).double()
    torch.testing.assert_close(pooler(x[:1]), pooler(x * torch.tensor([1.0, 99.0, 1.0]).view(3, 1, 1))[:1])
