"""`nn.GRU` as an encoder."""

from typing import final

from torch import nn

from recipes.encoders.recurrent import Recurrent, between


@final
class GRU(Recurrent):
    """Read the steps one after the other, with gated recurrent units.

    Source: Cho et al. 2014, "Learning Phrase Representations using RNN Encoder-Decoder" (https://arxiv.org/abs/1406.1078).

    Args:
        in_features: Width of the embeddings.
        hidden_size: Units in each direction.
        num_layers: Layers.
        bidirectional: Whether it reads both ways.
        dropout: Share of numbers dropped in training, between layers.

    Raises:
        ValueError: a number is out of range.
    """

    def __init__(
        self,
        in_features: int,
        hidden_size: int = 128,
        num_layers: int = 1,
        bidirectional: bool = True,
        dropout: float = 0.3,
    ) -> None:
        rnn = nn.GRU(
            in_features,
            hidden_size,
            num_layers,
            batch_first=True,
            dropout=between(dropout, num_layers),
            bidirectional=bidirectional,
        )
        super().__init__(rnn)
