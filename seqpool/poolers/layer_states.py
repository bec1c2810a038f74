"""Final states: those of every layer; the lower ones are in no step of the output."""

from typing import final

import torch
from torch import Tensor, nn

from seqpool.layout import Sequences, confirm_states, is_bidirectional, unstack_h_n
from seqpool.poolers.base import Pooler, check_at_least_one, settle


def layer_concat(seq: Sequences) -> Tensor:
    """Final states of every layer side by side, `(B, F)`; see `LayerConcatPooler`."""
    seq, states = _layers(seq, "LayerConcatPooler")
    return settle(seq, states.transpose(0, 1).flatten(1))


def scalar_mix(seq: Sequences, weight: Tensor, gamma: Tensor) -> Tensor:
    """Softmax mix of the layers' final states, `(B, F)`; see `ScalarMixPooler`."""
    seq, states = _layers(seq, "ScalarMixPooler")
    return settle(seq, gamma * torch.einsum("l,lbf->bf", weight.softmax(0), states))


def _layers(seq: Sequences, who: str) -> tuple[Sequences, Tensor]:
    """Final states `(L, B, D)` of every layer, 0 for empty sequences, with the view that vouches for them."""
    states = side_by_side(seq.need("h_n", who), is_bidirectional(seq))
    seq = confirm_states(seq)
    return seq, torch.where((seq.count > 0).unsqueeze(1), states, 0)


def side_by_side(states: Tensor, bidirectional: bool) -> Tensor:
    """`(L*dirs, B, H)` to `(L, B, dirs*H)`."""
    return unstack_h_n(states, bidirectional).transpose(1, 2).flatten(2)


def _check_layers(seq: Sequences, num_layers: int) -> None:
    if seq.h_n is not None and seq.h_n.shape[0] != num_layers * (2 if is_bidirectional(seq) else 1):
        raise ValueError(
            f"h_n must hold {num_layers} layers, {seq.h_n.shape[0]} states came from a "
            f"{'bidirectional' if is_bidirectional(seq) else 'unidirectional'} RNN: set num_layers as the RNN's"
        )


@final
class LayerConcatPooler(Pooler):
    r"""Concatenate the final states of every layer, layer by layer, forward before backward, as `h_n` has them.

    .. math:: y = [\overrightarrow{h}^1_n; \overleftarrow{h}^1_1; \dots; \overrightarrow{h}^L_n; \overleftarrow{h}^L_1]

    Source: this library.

    Args:
        num_layers: L, as the RNN was built.

    Shape:
        n steps of D features, L layers -> L * D features.

    Raises:
        ValueError: `num_layers` is below 1; no `h_n` came, it holds another number of layers, or it does not belong to
            the output.

    Example:
        >>> rnn = nn.GRU(3, 5, num_layers=2, batch_first=True)
        >>> LayerConcatPooler(2)(*rnn(torch.randn(4, 7, 3))).shape
        torch.Size([4, 10])
    """

    order = True
    piecewise = True
    samples = ({"num_layers": 2}, {"num_layers": 1})
    needs = ("h_n",)
    also = ("h_n of every layer",)

    def __init__(self, num_layers: int) -> None:
        super().__init__()
        check_at_least_one("num_layers", num_layers, "set it as the RNN's")
        self.num_layers = num_layers

    def one(self, x: Tensor, h_n: Tensor) -> Tensor:
        return h_n.flatten()

    def pool(self, seq: Sequences) -> Tensor:
        _check_layers(seq, self.num_layers)
        return layer_concat(seq)

    def out_features(self, in_features: int) -> int:
        return self.num_layers * in_features

    def extra_repr(self) -> str:
        return f"num_layers={self.num_layers}"


@final
class ScalarMixPooler(Pooler):
    r"""Mix the layers' final states with learned softmax weights.

    .. math:: y = \gamma \sum_{l=1}^{L} softmax(w)_l \, [\overrightarrow{h}^l_n; \overleftarrow{h}^l_1]

    Source: Peters et al. 2018, "Deep Contextualized Word Representations" (https://arxiv.org/abs/1802.05365).

    Args:
        num_layers: L, as the RNN was built.

    Shape:
        n steps of D features, L layers -> D features.

    Raises:
        ValueError: `num_layers` is below 1; no `h_n` came, it holds another number of layers, or it does not belong to
            the output.

    Example:
        >>> rnn = nn.GRU(3, 5, num_layers=2, batch_first=True)
        >>> ScalarMixPooler(2)(*rnn(torch.randn(4, 7, 3))).shape
        torch.Size([4, 5])
    """

    order = True
    piecewise = True
    also = ("ELMo mix", "scalar mix")
    samples = ({"num_layers": 2}, {"num_layers": 1})
    needs = ("h_n",)

    def __init__(self, num_layers: int) -> None:
        super().__init__()
        check_at_least_one("num_layers", num_layers, "set it as the RNN's")
        self.weight = nn.Parameter(torch.zeros(num_layers))
        self.gamma = nn.Parameter(torch.ones(()))

    def one(self, x: Tensor, h_n: Tensor) -> Tensor:
        return self.gamma * (self.weight.softmax(0) @ h_n.reshape(len(self.weight), -1))

    def pool(self, seq: Sequences) -> Tensor:
        _check_layers(seq, self.weight.shape[0])
        return scalar_mix(seq, self.weight, self.gamma)

    def extra_repr(self) -> str:
        return f"num_layers={self.weight.shape[0]}"
