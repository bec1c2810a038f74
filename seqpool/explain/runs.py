"""The two runs that `explain` compares: packed, and on over the padding."""

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from seqpool.explain.setup import Setup


@final
@dataclass(frozen=True)
class Run:
    """What a network returned, with `output` time-major for the comparison, whatever `batch_first` says."""

    packed: PackedSequence
    shape: tuple[int, ...]
    output: Tensor
    h_n: Tensor
    c_n: Tensor | None

    @property
    def states(self) -> Tensor | tuple[Tensor, Tensor]:
        """`h_n`, or the LSTM's `(h_n, c_n)`."""
        return self.h_n if self.c_n is None else (self.h_n, self.c_n)


def run_both(setup: Setup) -> tuple[Run, Run]:
    """One network over one batch: packed, and as if its zero padding were steps."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(setup.seed)
        rnn = setup.build()
        x = torch.randn(setup.steps, len(setup.lengths), setup.embedding)
        padding = torch.arange(setup.steps).unsqueeze(1) >= torch.tensor(setup.lengths)
        x = x.masked_fill(padding.unsqueeze(2), 0)
        x = x.transpose(0, 1) if setup.batch_first else x

        def run(lengths: list[int]) -> Run:
            packed = pack_padded_sequence(x, torch.tensor(lengths), batch_first=setup.batch_first, enforce_sorted=False)
            output, states = rnn(packed)
            padded, _ = pad_packed_sequence(output, batch_first=setup.batch_first)
            h_n, c_n = states if isinstance(states, tuple) else (states, None)
            rows = padded.transpose(0, 1) if setup.batch_first else padded
            return Run(output, tuple(padded.shape), rows, h_n, c_n)

        return run(list(setup.lengths)), run([setup.steps] * len(setup.lengths))
