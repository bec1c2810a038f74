"""`nn.LSTM` as an encoder."""

from typing import final

from torch import nn

from recipes.encoders.recurrent import Recurrent, between


@final
class LSTM(Recurrent):
    """Read the steps one after the other, with long short-term memory.

    Source: Hochreiter and Schmidhuber 1997, "Long Short-Term Memory" (https://doi.org/10.1162/neco.1997.9.8.1735).

    Args:
        in_features: Width of the embeddings.
        hidden_size: Units in each direction.
        num_layers: Layers.
        bidirectional: Whether it reads both ways.
        proj_size: Width that each direction's output is projected to; 0 for none.
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
        proj_size: int = 0,
        dropout: float = 0.3,
    ) -> None:
        rnn = nn.LSTM(
            in_features,
            hidden_size,
            num_layers,
            batch_first=True,
            dropout=between(dropout, num_layers),
            bidirectional=bidirectional,
            proj_size=proj_size,
        )
        super().__init__(rnn)
