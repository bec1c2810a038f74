"""What the tests of attention share: three sequences with padding, PyTorch's attention to them, and NaN in padding."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LENGTHS = [5, 2, 3]
MASK = torch.arange(5) < torch.tensor(LENGTHS)[:, None]


def attention(query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
    """PyTorch's own attention of queries `(3, Q, d)` to the real steps of `(3, 5, *)`."""
    return F.scaled_dot_product_attention(query, key, value, attn_mask=MASK.unsqueeze(1), scale=scale)


def linear(layers: nn.Sequential, place: int) -> nn.Linear:
    layer = layers[place]
    assert isinstance(layer, nn.Linear)
    return layer


def hidden(padding: Tensor) -> Tensor:
    """Steps with NaN where `MASK` has padding."""
    return padding.masked_fill(~MASK.unsqueeze(2), math.nan)
