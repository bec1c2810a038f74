"""Final states: the LSTM's cell state, which is in no step of the output."""

from typing import final

import torch
from torch import Tensor

from seqpool.layout import Sequences, confirm_states, is_bidirectional
from seqpool.poolers.base import Pooler, check_at_least_one, settle
from seqpool.poolers.layer_states import side_by_side


def cell_state(seq: Sequences) -> Tensor:
    """Final cell state of the last layer in each direction, `(B, F)`; see `CellStatePooler`."""
    cells = seq.need("c_n", "CellStatePooler")
    seq = confirm_states(seq)
    last = side_by_side(cells, is_bidirectional(seq))[-1]
    return settle(seq, torch.where((seq.count > 0).unsqueeze(1), last, 0))


@final
class CellStatePooler(Pooler):
    r"""Take the LSTM's final cell state of the last layer, both directions side by side.

    .. math:: y = [\overrightarrow{c}_n; \overleftarrow{c}_1]

    Source: Hochreiter and Schmidhuber 1997, "Long Short-Term Memory" (https://doi.org/10.1162/neco.1997.9.8.1735).

    Args:
        cell_features: width of the result, `hidden_size` times directions; `None` where that is the output's width.
            An LSTM with a projection has a narrower output, so it must be given there.

    Shape:
        n steps of D features -> `cell_features`.

    Raises:
        ValueError: `cell_features` is below 1; no `c_n` came, it has another width, or `h_n` does not belong to the
            output.

    Example:
        >>> lstm = nn.LSTM(3, 5, batch_first=True, proj_size=2)
        >>> packed = nn.utils.rnn.pack_sequence([torch.randn(7, 3), torch.randn(4, 3)])
        >>> CellStatePooler(cell_features=5)(*lstm(packed)).shape
        torch.Size([2, 5])
    """

    order = True
    piecewise = True
    needs = ("h_n", "c_n")
    also = ("c_n[-1]",)

    def __init__(self, *, cell_features: int | None = None) -> None:
        super().__init__()
        if cell_features is not None:
            check_at_least_one("cell_features", cell_features, "hidden_size x directions")
        self.cell_features = cell_features

    def one(self, x: Tensor, h_n: Tensor, c_n: Tensor) -> Tensor:
        directions = x.shape[1] // h_n.shape[1]
        return c_n[-directions:].flatten()

    def pool(self, seq: Sequences) -> Tensor:
        pooled = cell_state(seq)
        if pooled.shape[1] != self.out_features(seq.features):
            raise ValueError(
                f"c_n must be {self.out_features(seq.features)} wide, {pooled.shape[1]} came: "
                f"an LSTM with a projection needs CellStatePooler(cell_features={pooled.shape[1]})"
            )
        return pooled

    def out_features(self, in_features: int) -> int:
        return in_features if self.cell_features is None else self.cell_features

    def extra_repr(self) -> str:
        return f"cell_features={self.cell_features}"
