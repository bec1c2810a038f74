"""What lies in the real steps."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

Content = Callable[[Sequence[int], int], Tensor]


def plain(lengths: Sequence[int], width: int) -> Tensor:
    return torch.randn(sum(lengths), width)


def wild(lengths: Sequence[int], width: int) -> Tensor:
    """Few different numbers, so that most maxima tie; NaN and infinities; a feature that is -inf at every step."""
    x = torch.randint(-1, 2, (sum(lengths), width)).float()
    own = torch.split(x, list(lengths))
    longest = sorted(range(len(own)), key=lambda b: -lengths[b])
    own[longest[0]][1:3, 0] = float("nan")
    own[longest[1]][1, :2] = float("inf")
    own[longest[2]][:, 1] = float("-inf")
    own[longest[2]][2, 2] = float("inf")
    return x


def offset(lengths: Sequence[int], width: int) -> Tensor:
    """Numbers of one sign, whose sum outgrows the digits of a half type."""
    return 0.5 + torch.rand(sum(lengths), width)
