"""Keras's masks with a hole: its average and its recurrent network over the steps that are left.

Source: keras-team/keras, keras/src/layers/pooling/global_average_pooling_test.py and
keras/src/layers/rnn/simple_rnn_test.py.
"""

import pytest
import torch
from torch import Tensor, nn

from seqpool import RNNEncoder
from seqpool.poolers.bidirectional import BiConcatPooler
from seqpool.poolers.ends import LastPooler
from seqpool.poolers.final_states import LastHiddenPooler
from seqpool.poolers.reductions import MaskedMeanPooler


def test_average_of_0_to_23() -> None:
    x = torch.arange(24.0).view(2, 3, 4)
    assert MaskedMeanPooler()(x).tolist() == [[4.0, 5.0, 6.0, 7.0], [16.0, 17.0, 18.0, 19.0]]
    # channels_last: the mask keeps steps 0 and 1 of the first sequence, step 1 of the second.
    pooled = MaskedMeanPooler()(x, mask=torch.tensor([[1, 1, 0], [0, 1, 0]]))
    assert pooled.tolist() == [[2.0, 3.0, 4.0, 5.0], [16.0, 17.0, 18.0, 19.0]]


def test_average_of_0_to_23_over_a_hole() -> None:
    # channels_first: of the four steps of the second sequence, 1 and 3 are kept.
    x = torch.arange(24.0).view(2, 3, 4).transpose(1, 2)
    pooled = MaskedMeanPooler()(x, mask=torch.tensor([[1, 1, 0, 0], [0, 1, 0, 1]]))
    assert pooled.tolist() == [[0.5, 4.5, 8.5], [14.0, 18.0, 22.0]]


def simple_rnn(units: int, features: int, bidirectional: bool = False) -> nn.RNN:
    """Their constant weights: 0.01 for the input, 0.02 for the state, 0.03 once for the bias."""
    rnn = nn.RNN(features, units, batch_first=True, bidirectional=bidirectional)
    for name, weight in rnn.named_parameters():
        kind = name.removesuffix("_reverse")
        nn.init.constant_(weight, {"weight_ih_l0": 0.01, "weight_hh_l0": 0.02, "bias_ih_l0": 0.03}.get(kind, 0.0))
    return rnn


HOLES = torch.tensor([[True, True, False, True], [True, False, False, True]])
THROUGH_HOLES = torch.tensor([[0.32951632], [0.61799484]])
BACK_THROUGH_HOLES = torch.tensor([[0.07376196], [0.43645123]])


def over_holes() -> Tensor:
    """Steps of 0 to 23, NaN in the holes."""
    return torch.arange(24.0).view(2, 4, 3).masked_fill(~HOLES.unsqueeze(2), float("nan"))


@pytest.mark.parametrize("pooler", [LastHiddenPooler(), LastPooler()])
def test_a_recurrent_network_steps_over_holes(pooler: LastHiddenPooler) -> None:
    pooled = RNNEncoder(simple_rnn(4, 3), pooler)(over_holes(), mask=HOLES)
    torch.testing.assert_close(pooled, THROUGH_HOLES.expand(2, 4))


def test_both_directions_step_over_holes() -> None:
    # go_backwards gives the backward direction's final state.
    pooled = RNNEncoder(simple_rnn(4, 3, bidirectional=True), BiConcatPooler())(over_holes(), mask=HOLES)
    torch.testing.assert_close(pooled, torch.cat([THROUGH_HOLES.expand(2, 4), BACK_THROUGH_HOLES.expand(2, 4)], 1))


def test_every_state_over_holes() -> None:
    # return_sequences, 2 units: a hole repeats the state before it, which no pooling reads; the others are averaged.
    first = [0.0599281, 0.15122814, 0.32394567]
    second = [0.3969304, 0.608085]
    pooled = RNNEncoder(simple_rnn(2, 3), MaskedMeanPooler())(over_holes(), mask=HOLES)
    want = torch.tensor([[sum(first) / 3], [sum(second) / 2]]).expand(2, 2)
    torch.testing.assert_close(pooled, want)


def test_a_recurrent_network_without_a_mask() -> None:
    x = torch.arange(24.0).view(2, 3, 4)
    pooled = RNNEncoder(simple_rnn(4, 4, bidirectional=True), BiConcatPooler())(x, [3, 3])
    forward, backward = [[0.405432], [0.73605347]], [[0.11144729], [0.5528889]]
    want = torch.cat([torch.tensor(forward).expand(2, 4), torch.tensor(backward).expand(2, 4)], 1)
    torch.testing.assert_close(pooled, want)
