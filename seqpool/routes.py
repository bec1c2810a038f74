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

    Measured by `python -m benchmarks routes`: packing skips padding, but lacks oneDNN's LSTM and pays in backward
    wherever the batch shrinks; PyTorch's own kernels cost too much a step for small groups.
    """
    if x.device.type != "cpu":
        return Route.MODULE
    grouped = _in_onednn(rnn, x) and x.shape[0 if rnn.batch_first else 1] > GROUP and fill < 0.9
    if torch.is_grad_enabled() and (x.requires_grad or any(weight.requires_grad for weight in rnn.parameters())):
        packs = not grouped and fill < (0.35 if rnn.mode == "LSTM" else 0.45)
    else:
        packs = not _in_onednn(rnn, x) or fill < (0.3 if grouped else 0.6)
    if packs:
        return Route.MODULE
    return Route.GROUPS if grouped else Route.REVERSED


def _in_onednn(rnn: nn.RNNBase, x: Tensor) -> bool:
    """Whether PyTorch hands `rnn` over padded rows to oneDNN on the CPU."""
    return x.device.type == "cpu" and rnn.mode == "LSTM" and not rnn.proj_size and x.dtype == torch.float32
