"""Convolutions over the steps."""

from typing import final

from torch import Tensor, nn

from recipes.encoders.base import StepEncoder


@final
class Convolution(StepEncoder):
    """Convolve the steps, ReLU after each layer: a step sees its neighbours, and zeros beyond either end of its text.

    Source: Kim 2014, "Convolutional Neural Networks for Sentence Classification" (https://arxiv.org/abs/1408.5882).

    Args:
        in_features: Width of the embeddings.
        hidden_size: Channels.
        kernel_size: Steps that a layer sees at a time, an odd number.
        num_layers: Layers.
        dropout: Share of channels' numbers dropped in training, between layers.

    Raises:
        ValueError: a number is out of range.
    """

    def __init__(
        self,
        in_features: int,
        hidden_size: int = 128,
        kernel_size: int = 3,
        num_layers: int = 1,
        dropout: float = 0.3,
    ) -> None:
        super().__init__()
        for name, value in {"hidden_size": hidden_size, "num_layers": num_layers}.items():
            if value < 1:
                raise ValueError(f"{name} must be at least 1, {value} came")
        if kernel_size < 1 or kernel_size % 2 == 0:
            raise ValueError(f"kernel_size must be odd, so that a step lies in its middle; {kernel_size} came")
        widths = [in_features] + [hidden_size] * num_layers
        self.layers = nn.ModuleList(
            nn.Conv1d(before, hidden_size, kernel_size, padding=kernel_size // 2) for before in widths[:-1]
        )
        self.dropout = nn.Dropout(dropout)
        self.out_features = hidden_size

    def forward(self, x: Tensor, real: Tensor) -> Tensor:
        padding = ~real.unsqueeze(1)
        x = x.transpose(1, 2)
        for index, layer in enumerate(self.layers):
            # A layer reads across the end of a text, and the one before it has written there.
            x = layer((self.dropout(x) if index else x).masked_fill(padding, 0)).relu()
        return x.transpose(1, 2)
