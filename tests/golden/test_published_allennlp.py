"""The numbers of AllenNLP's tests of final states, sequence-to-vector encoders and masked reductions.

Source: allenai/allennlp, tests/nn/util_test.py and tests/modules/seq2vec_encoders/boe_encoder_test.py,
cls_pooler_test.py and pytorch_seq2vec_wrapper_test.py.
"""

import math

import pytest
import torch
from torch import Tensor, nn

from seqpool import RNNEncoder
from seqpool.poolers.attention import AttentionPooler
from seqpool.poolers.bidirectional import BiConcatPooler
from seqpool.poolers.ends import FirstPooler, LastPooler
from seqpool.poolers.final_states import LastHiddenPooler
from seqpool.poolers.reductions import MaskedMaxPooler, MaskedMeanPooler, MaskedSumPooler
from seqpool.poolers.soft_extremes import LogSumExpPooler
from seqpool.poolers.weighted import WeightedSumPooler

HOLED = torch.tensor([[True, False, True], [True, True, False]])


def test_final_encoder_states() -> None:
    outputs = torch.arange(1.0, 25.0).view(2, 3, 4)
    mask = torch.tensor([[True, True, True], [True, True, False]])
    for pooler in (LastHiddenPooler(), LastPooler()):
        assert pooler(outputs, mask=mask).tolist() == [[9.0, 10.0, 11.0, 12.0], [17.0, 18.0, 19.0, 20.0]]
    assert BiConcatPooler()(outputs, mask=mask).tolist() == [[9.0, 10.0, 3.0, 4.0], [17.0, 18.0, 15.0, 16.0]]


def test_final_encoder_states_of_the_docstring() -> None:
    outputs = torch.tensor([[2.0, 20, -1, -1], [2, 3, 3, 30], [2, 3, 40, -1]]).unsqueeze(-1)
    mask = torch.tensor([[1, 1, 0, 0], [1, 1, 1, 1], [1, 1, 1, 0]])
    assert LastHiddenPooler()(outputs, mask=mask).flatten().tolist() == [20.0, 30.0, 40.0]


def test_bag_of_embeddings() -> None:
    x = torch.tensor([[[0.7, 0.8], [0.1, 1.5], [0.3, 0.6]], [[0.5, 0.3], [1.4, 1.1], [0.3, 0.9]]])
    mask = torch.tensor([[1, 1, 1], [1, 1, 0]])
    sums = torch.tensor([[1.1, 2.9], [1.9, 1.4]])
    torch.testing.assert_close(MaskedSumPooler()(x, mask=mask), sums)
    # Their early average divided by n + 1e-5; here, as in their later one, by n.
    torch.testing.assert_close(MaskedMeanPooler()(x, mask=mask), sums / torch.tensor([[3.0], [2.0]]))
    # Of an all-False row they ask for zeros.
    assert not MaskedMeanPooler()(x, mask=torch.zeros(2, 3)).any()


def test_classification_token_at_either_end() -> None:
    x = torch.arange(20.0).view(5, 4, 1).expand(5, 4, 7)
    mask = torch.arange(4) < torch.tensor([[4], [3], [4], [1], [2]])
    assert torch.equal(LastPooler()(x, mask=mask)[:, 0], torch.tensor([3.0, 6.0, 11.0, 12.0, 17.0]))
    assert torch.equal(FirstPooler()(x, mask=mask), x[:, 0])


@pytest.mark.parametrize("bidirectional", [True, False])
def test_a_recurrent_network_as_an_encoder(bidirectional: bool) -> None:
    # Three layers of 7 over [.7, .8], [.1, 1.5]: 14 or 7 features.
    rnn = nn.LSTM(2, 7, num_layers=3, bidirectional=bidirectional, batch_first=True)
    encoder = RNNEncoder(rnn, BiConcatPooler() if bidirectional else LastHiddenPooler())
    assert encoder.out_features == (14 if bidirectional else 7)
    x = torch.tensor([[[0.7, 0.8], [0.1, 1.5]]])
    output, (h_n, _) = rnn(x)
    torch.testing.assert_close(encoder(x, [2])[:, :7], output[:, -1, :7])
    # They compare with the last row, whose backward half has read one word; that of h_n has read both.
    torch.testing.assert_close(encoder(x, [2]), torch.cat(list(h_n[-2:] if bidirectional else h_n[-1:]), 1))


def test_masked_maximum_and_mean() -> None:
    x = torch.tensor([[[1.0, 2.0], [12.0, 3.0], [5.0, -1.0]], [[-1.0, -3.0], [-2.0, -0.5], [3.0, 8.0]]])
    assert MaskedMaxPooler()(x, mask=HOLED).tolist() == [[5.0, 2.0], [-1.0, -0.5]]
    assert MaskedMeanPooler()(x, mask=HOLED).tolist() == [[3.0, 0.5], [-1.5, -1.75]]
    row = torch.tensor([[[1.0], [12.0], [5.0]]])
    assert MaskedMaxPooler()(row, mask=torch.zeros(1, 3)).item() == 0.0
    assert MaskedMeanPooler()(row, mask=torch.zeros(1, 3)).item() == 0.0


@pytest.mark.parametrize(
    ("scores", "mask", "want"),
    [
        ([1.0, 2.0, 3.0], [1, 1, 1], [0.090031, 0.244728, 0.665241]),
        ([1.0, 2.0, 5.0], [1, 1, 1], [0.017148, 0.046613, 0.93624]),
        ([0.0, 0.0, 0.0], [1, 1, 1], [1 / 3, 1 / 3, 1 / 3]),
        ([1.0, 2.0, 5.0], [1, 0, 1], [0.01798621, 0.0, 0.98201382]),
        ([0.0, 2.0, 3.0, 4.0], [1, 0, 1, 1], [0.01321289, 0.0, 0.26538793, 0.72139918]),
        ([0.0, 0.0, 0.0, 0.0], [0, 0, 0, 1], [0.0, 0.0, 0.0, 1.0]),
        ([0.0, 2.0, 3.0, 4.0], [0, 0, 0, 0], [0.0, 0.0, 0.0, 0.0]),
        ([1.0, 1.0, 1e5], [1, 1, 0], [0.5, 0.5, 0.0]),
        ([1.0, 2.0, 3.0], [1, 0, 1], [0.11920292, 0.0, 0.88079708]),
    ],
)
def test_masked_softmax(scores: list[float], mask: list[int], want: list[float]) -> None:
    pooler = AttentionPooler(1)
    with torch.no_grad():
        pooler.score.weight.fill_(1)
    _, weights = pooler(torch.tensor(scores).view(1, -1, 1), mask=torch.tensor([mask]), return_weights=True)
    torch.testing.assert_close(weights.flatten(), torch.tensor(want), rtol=0, atol=1e-6)


def test_weighted_sum() -> None:
    x = torch.rand(1, 5, 4)
    pooled = WeightedSumPooler()(x, weights=torch.tensor([[0.3, 0.4, 0.1, 0.0, 1.2]]))
    want = 0.3 * x[:, 0] + 0.4 * x[:, 1] + 0.1 * x[:, 2] + 0.0 * x[:, 3] + 1.2 * x[:, 4]
    torch.testing.assert_close(pooled, want)


@pytest.mark.parametrize(
    ("steps", "want"),
    [
        (torch.tensor([[0.4], [0.1], [0.2]]).log(), [math.log(0.7)]),
        (torch.tensor([[-math.inf], [20.0]]), [20.0]),
        (torch.tensor([[-200.0], [20.0]]), [20.0]),
        (torch.tensor([[20.0, 20.0], [-200.0, 200.0]]), [20.0, 200.0]),
    ],
)
def test_log_sum_exp(steps: Tensor, want: list[float]) -> None:
    # Theirs is of the sum, ours of the mean: log n lower.
    pooled = LogSumExpPooler()(steps.unsqueeze(0)) + math.log(steps.shape[0])
    torch.testing.assert_close(pooled, torch.tensor([want]))
