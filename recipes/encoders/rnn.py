"""`nn.RNN` as an encoder."""

from typing import final

from torch import nn

from recipes.encoders.recurrent import Recurrent, between


@final
class RNN(Recurrent):
    """Read the steps one after the other, with a plain recurrent network.

    Source: Elman 1990, "Finding Structure in Time" (https://doi.org/10.1207/s15516709cog1402_1).

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
        rnn = nn.RNN(
            in_features,
            hidden_size,
            num_layers,
            batch_first=True,
            dropout=between(dropout, num_layers),
            bidirectional=bidirectional,
        )
        super().__init__(rnn)
