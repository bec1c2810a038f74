"""Attention: a query that is the final state of an RNN."""

from typing import final

import torch
from torch import Tensor

from seqpool.layout import Sequences, is_bidirectional
from seqpool.ops import accumulator, attend_by
from seqpool.poolers.attention import weigh_by_query
from seqpool.poolers.base import AttentionBase, settle
from seqpool.poolers.final_states import both_ends, half_width, last_hidden


def state_attention(seq: Sequences, bidirectional: bool = True) -> tuple[Tensor, Tensor]:
    """Average of the steps by their match with the final state, `(B, F)`, and weights; see `StateAttentionPooler`."""
    return weigh_by_query(seq, _query(seq, bidirectional).unsqueeze(1))


def _query(seq: Sequences, bidirectional: bool) -> Tensor:
    return _final_state(seq, bidirectional).to(accumulator(seq.values.dtype))


def _final_state(seq: Sequences, bidirectional: bool) -> Tensor:
    if bidirectional:
        return torch.cat(both_ends(seq, "StateAttentionPooler()"), dim=1)
    if is_bidirectional(seq):
        raise ValueError(
            "StateAttentionPooler(bidirectional=False) needs a unidirectional RNN, h_n half as wide as output "
            f"({seq.features}) came: leave bidirectional out"
        )
    return last_hidden(seq)


@final
class StateAttentionPooler(AttentionBase):
    r"""Average the steps with softmax weights from their dot product with the final state.

    The final state is that of `BiConcatPooler`, or with `bidirectional=False` that of `LastHiddenPooler`: from `h_n`
    beside a packed output, else from the steps that hold it.

    .. math:: y = \sum_t \alpha_t x_t, \quad \alpha = softmax_t(q^\top x_t), \quad
        q = [\overrightarrow{h}_n; \overleftarrow{h}_1] \;\text{or}\; q = \overrightarrow{h}_n

    Source: the dot score of Luong et al. 2015, "Effective Approaches to Attention-based Neural Machine Translation"
    (https://arxiv.org/abs/1508.04025), with the encoder's own final state for the decoder's.

    Args:
        bidirectional: whether the RNN is bidirectional.

    Shape:
        n steps of D features (D = 2H where bidirectional) -> D features; weights: one a step.

    Raises:
        ValueError: `h_n` shows an RNN of the other kind, or the width is odd and `bidirectional` is true.

    Example:
        >>> x = torch.tensor([[[0.0, 0.0], [0.0, 1.0], [9.0, 9.0]]])
        >>> pooled, weights = StateAttentionPooler(bidirectional=False)(x, lengths=[2], return_weights=True)
        >>> pooled, weights.squeeze(2)
        (tensor([[0.0000, 0.7311]]), tensor([[0.2689, 0.7311, 0.0000]]))
    """

    samples = ({}, {"bidirectional": False})
    order = True
    also = ("Luong attention", "dot attention")

    def __init__(self, *, bidirectional: bool = True) -> None:
        super().__init__()
        self.bidirectional = bidirectional

    def one(self, x: Tensor) -> Tensor:
        half = x.shape[1] // 2
        query = torch.cat([x[-1, :half], x[0, half:]]) if self.bidirectional else x[-1]
        return (x @ query).softmax(0) @ x

    def pool(self, seq: Sequences) -> Tensor:
        query = _query(seq, self.bidirectional).unsqueeze(1)
        return settle(seq, attend_by(seq, seq.values, query).flatten(1))

    def weigh(self, seq: Sequences) -> tuple[Tensor, Tensor]:
        return state_attention(seq, self.bidirectional)

    def out_features(self, in_features: int) -> int:
        return 2 * half_width(in_features) if self.bidirectional else in_features

    def extra_repr(self) -> str:
        return f"bidirectional={self.bidirectional}"
