"""Final states: that of an RNN's last layer, from `h_n` or from the rows that hold it."""

from typing import Literal, final, get_args

import torch
from torch import Tensor

from seqpool.layout import Sequences, is_bidirectional
from seqpool.ops import gather
from seqpool.poolers.base import Pooler, settle

Direction = Literal["forward", "backward"]


def last_hidden(seq: Sequences, direction: Direction | None = None) -> Tensor:
    """Final state of the last layer in one direction, `(B, F)`; see `LastHiddenPooler`."""
    if direction is not None:
        forward, backward = both_ends(seq, f"direction={direction!r}")
        return settle(seq, forward if direction == "forward" else backward)
    if is_bidirectional(seq):
        raise ValueError(
            f"LastHiddenPooler() needs a unidirectional RNN, h_n half as wide as output ({seq.features}) came: the "
            "last step holds one word of the backward half. Use BiConcatPooler(), or direction='forward' | 'backward'"
        )
    return settle(seq, gather(seq, seq.values, seq.last()) if _untrusted(seq) else _state(seq, -1))


def both_ends(seq: Sequences, who: str) -> tuple[Tensor, Tensor]:
    """Forward and backward final state of the last layer, `(B, H)` each."""
    if seq.h_n is not None and not is_bidirectional(seq):
        raise ValueError(
            f"{who} needs a bidirectional RNN, h_n as wide as output ({seq.features}) came: use LastHiddenPooler()"
        )
    if not _untrusted(seq):
        return _state(seq, -2), _state(seq, -1)
    half = half_width(seq.features)
    last = gather(seq, seq.values, seq.last())
    first = gather(seq, seq.values, torch.zeros_like(seq.lengths))
    # A width written as D - D//2 would need a guard that torch 2.13 cannot place where a NestedTensor is compiled.
    return last.narrow(1, 0, half), first.narrow(1, half, half)


def _untrusted(seq: Sequences) -> bool:
    # Only packing keeps every step of the RNN off the padding, so only there is h_n right by construction.
    return seq.h_n is None or seq.hops is None


def _state(seq: Sequences, layer: int) -> Tensor:
    assert seq.h_n is not None
    return seq.h_n[layer]


def half_width(width: int) -> int:
    """Width of one direction of a bidirectional output."""
    if width % 2:
        raise ValueError(f"the two halves of a bidirectional output have an even width, {width} came: one direction?")
    return width // 2


@final
class LastHiddenPooler(Pooler):
    r"""Take the final hidden state of an RNN's last layer, in one direction.

    .. math:: y = \overrightarrow{h}_n \quad\text{or}\quad y = \overleftarrow{h}_1

    Source: Sutskever et al. 2014, "Sequence to Sequence Learning with Neural Networks"
    (https://arxiv.org/abs/1409.3215).

    Args:
        direction: `"forward"` or `"backward"` half of a bidirectional RNN; `None` for a unidirectional one.

    Shape:
        n steps of D features -> D features, or D/2 with a direction.

    Raises:
        ValueError: `h_n` shows an RNN of the other kind, the width is odd, or the direction unknown.

    Example:
        >>> rnn = nn.GRU(3, 5, batch_first=True)
        >>> x = torch.randn(2, 7, 3)
        >>> output, h_n = rnn(x)
        >>> torch.equal(LastHiddenPooler()(output), h_n[-1])
        True
    """

    order = True
    piecewise = True
    also = ("h_n[-1]", "final hidden state")
    samples = ({}, {"direction": "forward"}, {"direction": "backward"})

    def __init__(self, *, direction: Direction | None = None) -> None:
        super().__init__()
        if direction is not None and direction not in get_args(Direction):
            raise ValueError(f"direction must be 'forward', 'backward' or None, {direction!r} came")
        self.direction = direction

    def one(self, x: Tensor) -> Tensor:
        if self.direction is None:
            return x[-1]
        half = x.shape[1] // 2
        return x[-1, :half] if self.direction == "forward" else x[0, half:]

    def pool(self, seq: Sequences) -> Tensor:
        return last_hidden(seq, self.direction)

    def out_features(self, in_features: int) -> int:
        return in_features if self.direction is None else half_width(in_features)

    def extra_repr(self) -> str:
        return f"direction={self.direction!r}"
