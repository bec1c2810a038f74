"""Gradients, importance and attention at the steps, in every layout, against differences and closed forms."""

from collections.abc import Sequence
from functools import partial

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pad_sequence

from seqpool import (
    AttentionPooler,
    BiConcatPooler,
    ConcatPooler,
    MaskedMeanPooler,
    MaskedSumPooler,
    MaxAttentionPooler,
    RNNEncoder,
    StructuredAttentionPooler,
    view,
)
from seqpool.analysis import attention_saliency, gradient_norms, gradient_saliency, split_at, word_importance
from seqpool.poolers.base import Pooler
from tests.analysis_cases import CASES, by_sequence, close, numbers_of, ragged, slopes
from tests.layouts import LAYOUTS

Lengths = tuple[int, ...]


def head(features: int, classes: int = 3) -> nn.Linear:
    return nn.Linear(features, classes).double().requires_grad_(False)


@pytest.mark.parametrize("pooler", [MaskedMeanPooler(), MaxAttentionPooler()], ids=["mean", "maxatt"])
@pytest.mark.parametrize(("layout", "lengths"), CASES)
def test_gradients_are_the_slopes_of_each_sequence_alone(layout: str, lengths: Lengths, pooler: Pooler) -> None:
    x, top = ragged(lengths), head(3)
    laid = LAYOUTS[layout](x)

    def model(steps: Tensor) -> Tensor:
        scores: Tensor = top(pooler(steps, **laid.given)).tanh()
        return scores

    def alone(best: int, steps: Tensor) -> Tensor:
        return torch.tanh(top(pooler.one(steps)))[best]

    norms = by_sequence(layout, lengths, gradient_norms(model, laid.view()))
    saliency = by_sequence(layout, lengths, gradient_saliency(model, laid.view()))
    expected = []
    for one in x:
        best = int(top(pooler.one(one)).argmax()) if len(one) else 0
        expected.append(slopes(partial(alone, best), one))
    close(norms, [slope.norm(dim=1) for slope in expected])
    close(saliency, [(slope * one).sum(1).abs() for slope, one in zip(expected, x, strict=True)])


@pytest.mark.parametrize("window", [1, 2, 9])
@pytest.mark.parametrize(("layout", "lengths"), CASES)
def test_importance_of_a_sum_is_each_windows_share(layout: str, lengths: Lengths, window: int) -> None:
    x, weight, unknown = ragged(lengths), torch.randn(3, dtype=torch.float64), torch.randn(3, dtype=torch.float64)
    laid = LAYOUTS[layout](x)

    def model(steps: Tensor) -> Tensor:
        result: Tensor = MaskedSumPooler()(steps, **laid.given) @ weight
        return result

    found = word_importance(model, laid.view(), replacement=unknown, window=window)
    expected = []
    for one in x:
        shares = [part.sum().abs().expand(len(part)) for part in torch.split((one - unknown) @ weight, window)]
        moved = torch.cat(shares) if len(one) else one[:, 0]
        expected.append(moved / moved.max() if len(one) else moved)
    close(by_sequence(layout, lengths, found), expected)


@pytest.mark.parametrize(("layout", "lengths"), CASES)
def test_attention_is_the_softmax_of_the_scores(layout: str, lengths: Lengths) -> None:
    x, pooler = ragged(lengths), AttentionPooler(3).double()
    laid = LAYOUTS[layout](x)
    found = attention_saliency(lambda steps: pooler(steps, **laid.given), pooler, laid.view())
    close(by_sequence(layout, lengths, found), [pooler.score(one).squeeze(1).softmax(0).detach() for one in x])


def classifier(pooler: Pooler, features: int) -> tuple[nn.Embedding, RNNEncoder, nn.Linear]:
    encoder = RNNEncoder(nn.GRU(3, features // 2, batch_first=True, bidirectional=True), pooler).eval().double()
    return nn.Embedding(9, 3).double(), encoder, head(encoder.out_features)


@pytest.mark.parametrize("inside", [False, True], ids=["alone", "in_concat"])
@pytest.mark.parametrize("lengths", [[3, 0, 5, 1], [1, 40, 2, 0]], ids=["even", "uneven"])
def test_attention_comes_back_through_a_network(lengths: list[int], inside: bool) -> None:
    """The network packs, or sorts into groups, and gives an empty sequence one step; the weights know their tokens."""
    pooler = StructuredAttentionPooler(4, hops=2).double()
    embedding, encoder, top = classifier(ConcatPooler(MaskedMeanPooler(), pooler) if inside else pooler, 4)
    ids = [torch.randint(0, 9, (n,)) for n in lengths]
    steps, rest = split_at(
        lambda ids, n: top(encoder(embedding(ids), lengths=n)), embedding, pad_sequence(ids, batch_first=True), lengths
    )
    found = attention_saliency(rest, pooler, view(steps, lengths=lengths))
    assert isinstance(found, Tensor)
    assert found.shape == (4, max(lengths))
    for row, one in zip(found, ids, strict=True):
        assert (row[len(one) :] == 0).all()
        if len(one):
            output, _ = encoder.rnn(embedding(one).unsqueeze(0))
            expected = pooler(output, return_weights=True)[1].mean(2).squeeze(0).detach()
            torch.testing.assert_close(row[: len(one)], expected)
    assert "weigh" not in vars(pooler)


def test_saliency_at_the_embedding_is_the_slope_through_the_network() -> None:
    embedding, encoder, top = classifier(BiConcatPooler(), 6)
    lengths, target = [4, 0, 2], [2, 1, 0]
    ids = torch.randint(0, 9, (3, 4))
    steps, rest = split_at(lambda ids, n: top(encoder(embedding(ids), lengths=n)), embedding, ids, lengths)
    assert isinstance(steps, Tensor)
    torch.testing.assert_close(rest(steps), top(encoder(embedding(ids), lengths=lengths)))
    found = gradient_saliency(rest, view(steps, lengths=lengths), target=target)
    assert isinstance(found, Tensor)

    def alone(best: int, x: Tensor) -> Tensor:
        return torch.squeeze(top(encoder(x.unsqueeze(0))), 0)[best]

    for b, n in enumerate(lengths):
        one = embedding(ids[b, :n]).detach()
        slope = slopes(partial(alone, target[b]), one)
        close([found[b, :n]], [(slope * one).sum(1).abs()])
        assert (found[b, n:] == 0).all()
    assert not embedding._forward_hooks
    assert embedding.weight.grad is None


def test_importance_holds_on_to_the_class_that_was_best_before() -> None:
    """Without its first step the other class is best; asked about is still what the first class loses."""
    x = torch.tensor([[[3.0, 0.0], [0.0, 1.0]]])
    found = word_importance(lambda steps: MaskedSumPooler()(steps), view(x))
    torch.testing.assert_close(found, torch.tensor([[1.0, 0.0]]))
    asked = word_importance(lambda steps: MaskedSumPooler()(steps), view(x), target=[1])
    torch.testing.assert_close(asked, torch.tensor([[0.0, 1.0]]))


def test_a_loss_a_sequence_is_asked_about_as_it_is() -> None:
    x, labels = torch.randn(2, 4, 3, dtype=torch.float64), torch.tensor([1, 2])
    found = gradient_norms(lambda steps: nn.functional.cross_entropy(steps.mean(1), labels, reduction="none"), view(x))
    errors = x.mean(1).softmax(1) - nn.functional.one_hot(labels, 3)
    torch.testing.assert_close(found, (errors.norm(dim=1, keepdim=True) / 4).expand(2, 4))


@pytest.mark.parametrize("shape", [(0, 4, 3), (2, 0, 3), (0, 0, 3)])
def test_nothing_in_is_nothing_out(shape: Sequence[int]) -> None:
    x, pooler = torch.zeros(*shape), AttentionPooler(3)
    for found in (
        gradient_saliency(pooler, view(x)),
        gradient_norms(pooler, view(x)),
        word_importance(pooler, view(x)),
        attention_saliency(pooler, pooler, view(x)),
    ):
        assert numbers_of(found).shape == shape[:2]


def test_a_view_goes_in_as_what_it_was_made_of() -> None:
    packed = nn.utils.rnn.pack_sequence([torch.randn(2, 3), torch.randn(1, 3)])
    came: list[object] = []

    def model(steps: PackedSequence) -> Tensor:
        came.append(type(steps))
        result: Tensor = MaskedMeanPooler()(steps)
        return result

    gradient_norms(model, view(packed))
    assert came == [PackedSequence]
