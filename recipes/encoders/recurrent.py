"""What the three recurrent networks share."""

from torch import nn

from recipes.encoders.base import Encoder
from seqpool import Pooler, RNNEncoder


class Recurrent(Encoder):
    """A recurrent network; its poolers get its final states, too."""

    def __init__(self, rnn: nn.RNNBase) -> None:
        self.rnn = rnn
        self.out_features = (rnn.proj_size or rnn.hidden_size) * (2 if rnn.bidirectional else 1)
        self.state_layers = rnn.num_layers

    def pooled(self, pooler: Pooler) -> nn.Module:
        return RNNEncoder(self.rnn, pooler)


def between(dropout: float, num_layers: int) -> float:
    """Dropout between layers: a single layer has none, and PyTorch warns of it."""
    return dropout if num_layers > 1 else 0.0
