"""Which way `RNNEncoder` runs its network: a rule about the network, the batch's shape and its share of real steps."""

from enum import Enum

import torch
from torch import Tensor, nn

from seqpool.grouped_rnn import GROUP


class Route(Enum):
    """A way to run a recurrent network over uneven sequences; all give the same."""

    MODULE = "the module itself, packed where lengths differ"
    REVERSED = "padded rows, the backward direction's sequences reversed in place"
    GROUPS = "the same over sequences of like length together, each group cut to its longest"


def choose_route(rnn: nn.RNNBase, x: Tensor, fill: float) -> Route:
    """The fastest route over padded `x` of whose steps the share `fill` is real, from host lengths.

    Measured by `python -m benchmarks routes`. Equal lengths need no care. oneDNN's LSTM, which a packed batch cannot
    have, is worth some padding. PyTorch's own kernels cost too much a step for small groups; packed, they skip
    padding, but pay in backward wherever the batch shrinks.
    """
    if x.device.type != "cpu" or fill == 1:
        return Route.MODULE
    learns = torch.is_grad_enabled() and (x.requires_grad or any(weight.requires_grad for weight in rnn.parameters()))
    if not _in_onednn(rnn, x):
        packs = not learns or fill < (0.35 if rnn.mode == "LSTM" else 0.45)
        return Route.MODULE if packs else Route.REVERSED
    if x.shape[0 if rnn.batch_first else 1] <= GROUP:
        return Route.REVERSED
    if not learns and fill < 0.3:
        return Route.MODULE
    return Route.GROUPS if fill < 0.9 else Route.REVERSED


def _in_onednn(rnn: nn.RNNBase, x: Tensor) -> bool:
    """Whether PyTorch, on the CPU, hands `rnn` over padded rows to oneDNN."""
    return rnn.mode == "LSTM" and not rnn.proj_size and x.dtype == torch.float32
