"""Attention: a network that reads the steps as a set, several times."""

from typing import final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqpool.layout import Sequences
from seqpool.ops import accumulator, attend, select, spread
from seqpool.poolers.base import Pooler, check_at_least_one, settle


@final
class Set2SetPooler(Pooler):
    r"""Let an LSTM without input ask the steps several questions, and keep its last question and what it read.

    .. math:: q_s = LSTM(y_{s-1}), \quad y_s = [q_s; \sum_t \alpha_{s,t} x_t], \quad
        \alpha_{s,t} = softmax_t(x_t^\top q_s)

    with :math:`y_0 = 0`; the result is the last :math:`y_s`, whatever the order of the steps.

    Source: the process block of Vinyals et al. 2016, "Order Matters: Sequence to Sequence for Sets"
    (https://arxiv.org/abs/1511.06391); values and names of the weights as `Set2Set` of PyTorch Geometric, but for the
    ending `_l0` of the names.

    Args:
        in_features: D, the width of a step.
        steps: number of questions.

    Shape:
        n steps of D features -> 2D features: the last question, then what it read.

    Raises:
        ValueError: a size is below 1.

    Example:
        >>> Set2SetPooler(4, steps=2)(torch.randn(2, 3, 4), lengths=[3, 1]).shape
        torch.Size([2, 8])
    """

    samples = ({"steps": 2}, {"steps": 1})
    also = ("Set2Set", "process block", "read-process-write")

    def __init__(self, in_features: int, *, steps: int = 3) -> None:
        super().__init__()
        check_at_least_one("in_features", in_features, "the width of output")
        check_at_least_one("steps", steps, "it is the number of times the steps are read")
        self.steps = steps
        self.lstm = nn.LSTMCell(2 * in_features, in_features)

    def one(self, x: Tensor) -> Tensor:
        query = cell = torch.zeros_like(x[:1])
        read = torch.zeros_like(x[:1])
        for _ in range(self.steps):
            query, cell = self.lstm(torch.cat([query, read], dim=1), (query, cell))
            read = (query @ x.T).softmax(1) @ x
        return torch.cat([query, read], dim=1).flatten()

    def pool(self, seq: Sequences) -> Tensor:
        rows = select(seq, seq.values)
        wide = rows.to(accumulator(rows.dtype))
        query = cell = read = rows.new_zeros(seq.batch, seq.features)
        for _ in range(self.steps):
            query, cell = self._ask(torch.cat([query, read.to(query.dtype)], dim=1), query, cell)
            scores = (wide * spread(seq, query.to(wide.dtype))).sum(-1, keepdim=True)
            read = attend(seq, scores, wide)[0].flatten(1)
        pooled = torch.cat([query.to(read.dtype), read], dim=1)
        return settle(seq, torch.where((seq.count > 0).unsqueeze(1), pooled, 0))

    def _ask(self, last: Tensor, hidden: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
        """The cell's formula in plain operations: torch's own kernel has no rule for vmap."""
        gates = F.linear(last, self.lstm.weight_ih, self.lstm.bias_ih)
        gates = gates + F.linear(hidden, self.lstm.weight_hh, self.lstm.bias_hh)
        enter, forget, fresh, leave = gates.chunk(4, dim=1)
        cell = forget.sigmoid() * cell + enter.sigmoid() * fresh.tanh()
        return leave.sigmoid() * cell.tanh(), cell

    def out_features(self, in_features: int) -> int:
        return 2 * in_features

    def extra_repr(self) -> str:
        return f"in_features={self.lstm.hidden_size}, steps={self.steps}"
