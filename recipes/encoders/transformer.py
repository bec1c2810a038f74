"""Self-attention over the steps."""

import math
from typing import final

import torch
from torch import Tensor, nn

from recipes.encoders.base import StepEncoder


@final
class Transformer(StepEncoder):
    """Encode the steps by self-attention, normalised before each layer, with sinusoidal positions.

    Source: Vaswani et al. 2017, "Attention Is All You Need" (https://arxiv.org/abs/1706.03762).

    Args:
        in_features: Width of the embeddings, and of every layer.
        num_layers: Layers.
        num_heads: Heads of a layer; they divide the width.
        feedforward: Units between the two linear maps of a layer.
        dropout: Share of numbers dropped in training, within layers.

    Raises:
        ValueError: a number is out of range.
    """

    def __init__(
        self, in_features: int, num_layers: int = 2, num_heads: int = 4, feedforward: int = 256, dropout: float = 0.1
    ) -> None:
        super().__init__()
        for name, value in {"num_layers": num_layers, "num_heads": num_heads, "feedforward": feedforward}.items():
            if value < 1:
                raise ValueError(f"{name} must be at least 1, {value} came")
        if in_features % (2 * num_heads):
            raise ValueError(f"embedding_dim must be even and divisible by {num_heads} heads, {in_features} came")
        layer = nn.TransformerEncoderLayer(
            in_features, num_heads, feedforward, dropout, batch_first=True, norm_first=True
        )
        norm = nn.LayerNorm(in_features)
        self.layers = nn.TransformerEncoder(layer, num_layers, norm, enable_nested_tensor=False)
        self.out_features = in_features

    def forward(self, x: Tensor, real: Tensor) -> Tensor:
        x = (x * math.sqrt(self.out_features) + positions(x.shape[1], self.out_features, x)).masked_fill(
            ~real.unsqueeze(2), 0
        )
        # An empty text attends to its first step, which no pooler reads: some kernels make NaN of no step.
        first = torch.arange(x.shape[1], device=x.device) == 0
        encoded: Tensor = self.layers(x, src_key_padding_mask=~(real | first))
        return encoded


def positions(steps: int, width: int, like: Tensor) -> Tensor:
    """Sines and cosines of each step's number, `(steps, width)` in the dtype and on the device of `like`."""
    step = torch.arange(steps, device=like.device, dtype=torch.float32).unsqueeze(1)
    wave = torch.exp(torch.arange(0, width, 2, device=like.device) * (-math.log(10_000.0) / width))
    return torch.cat([(step * wave).sin(), (step * wave).cos()], dim=1).to(like.dtype)
