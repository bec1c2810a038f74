"""Final states: both of a bidirectional RNN's last layer, as one vector."""

from typing import Literal, final, get_args

import torch
from torch import Tensor

from seqpool.layout import Sequences
from seqpool.poolers.base import Pooler, settle
from seqpool.poolers.final_states import both_ends, half_width

Merge = Literal["sum", "mean", "max", "mul"]


def bi_concat(seq: Sequences) -> Tensor:
    """Final states of both directions side by side, `(B, F)`; see `BiConcatPooler`."""
    return settle(seq, torch.cat(both_ends(seq, "BiConcatPooler"), dim=1))


def bi_merge(seq: Sequences, merge: Merge = "sum") -> Tensor:
    """Final states of both directions merged into one, `(B, F)`; see `BiMergePooler`."""
    return settle(seq, _merged(*both_ends(seq, "BiMergePooler"), merge))


def _merged(forward: Tensor, backward: Tensor, merge: Merge) -> Tensor:
    match merge:
        case "sum":
            return forward + backward
        case "mean":
            return (forward + backward) / 2
        case "max":
            return torch.maximum(forward, backward)
        case "mul":
            return forward * backward


@final
class BiConcatPooler(Pooler):
    r"""Concatenate the final states of both directions: forward at the last real step, backward at the first.

    .. math:: y = [\overrightarrow{h}_n; \overleftarrow{h}_1]

    Source: Schuster and Paliwal 1997, "Bidirectional Recurrent Neural Networks"
    (https://doi.org/10.1109/78.650093).

    Shape:
        n steps of D = 2H features -> D features.

    Raises:
        ValueError: `h_n` shows a unidirectional RNN, or the width is odd.

    Example:
        >>> rnn = nn.GRU(3, 5, batch_first=True, bidirectional=True)
        >>> packed = nn.utils.rnn.pack_padded_sequence(torch.randn(2, 7, 3), [7, 4], batch_first=True)
        >>> output, h_n = rnn(packed)
        >>> torch.equal(BiConcatPooler()(output, h_n), torch.cat([h_n[-2], h_n[-1]], 1))
        True
    """

    order = True
    piecewise = True
    also = ("final states", "h_n[-2], h_n[-1]", "BiLSTM-last", "Bidirectional")

    def one(self, x: Tensor) -> Tensor:
        half = x.shape[1] // 2
        return torch.cat([x[-1, :half], x[0, half:]])

    def pool(self, seq: Sequences) -> Tensor:
        return bi_concat(seq)

    def out_features(self, in_features: int) -> int:
        return 2 * half_width(in_features)


@final
class BiMergePooler(Pooler):
    r"""Merge the final states of both directions into one of half the width.

    .. math:: y = \overrightarrow{h}_n \circ \overleftarrow{h}_1, \quad \circ \in \{+, mean, \max, \times\}

    Source: `merge_mode` of Keras' `Bidirectional` (https://keras.io/api/layers/recurrent_layers/bidirectional/).

    Args:
        merge: `"sum"`, `"mean"`, `"max"` or `"mul"`, feature by feature.

    Shape:
        n steps of D = 2H features -> H features.

    Raises:
        ValueError: `h_n` shows a unidirectional RNN, the width is odd, or `merge` is unknown.

    Example:
        >>> x = torch.tensor([[[1.0, 9.0], [2.0, 9.0]]])
        >>> BiMergePooler(merge="mean")(x)
        tensor([[5.5000]])
    """

    order = True
    also = ("merge_mode",)
    samples = ({}, {"merge": "mean"}, {"merge": "max"}, {"merge": "mul"})

    def __init__(self, *, merge: Merge = "sum") -> None:
        super().__init__()
        if merge not in get_args(Merge):
            raise ValueError(f"merge must be one of {', '.join(get_args(Merge))}, {merge!r} came")
        self.merge = merge

    def one(self, x: Tensor) -> Tensor:
        half = x.shape[1] // 2
        both = torch.stack([x[-1, :half], x[0, half:]])
        if self.merge == "mul":
            return both[0] * both[1]
        if self.merge == "max":
            return both.amax(0)
        return both.sum(0) if self.merge == "sum" else both.mean(0)

    def pool(self, seq: Sequences) -> Tensor:
        return bi_merge(seq, self.merge)

    def out_features(self, in_features: int) -> int:
        return half_width(in_features)

    def extra_repr(self) -> str:
        return f"merge={self.merge!r}"
