"""The field's usual ways to one vector of a bidirectional network's steps, right and wrong, as they are written."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self, final

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


@final
@dataclass(frozen=True)
class Steps:
    """What an RNN gave: `output` (B, T, 2H) and `h_n` (2, B, H); and which steps are real, `(B, T, 1)`."""

    output: Tensor
    h_n: Tensor
    real: Tensor

    @classmethod
    def packed(cls, rnn: nn.RNNBase, x: Tensor, lengths: Tensor) -> Self:
        """The network reads each sequence alone; its output is 0 on padding."""
        sequences = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        output, states = rnn(sequences)
        padded, _ = pad_packed_sequence(output, batch_first=True, total_length=x.shape[1])
        return cls(padded, states[0] if isinstance(states, tuple) else states, _real(x, lengths))

    @classmethod
    def over_padding(cls, rnn: nn.RNNBase, x: Tensor, lengths: Tensor) -> Self:
        """The network reads the padding as well."""
        output, states = rnn(x)
        return cls(output, states[0] if isinstance(states, tuple) else states, _real(x, lengths))


def _real(x: Tensor, lengths: Tensor) -> Tensor:
    return (torch.arange(x.shape[1]) < lengths.unsqueeze(1)).unsqueeze(2)


def last_column(steps: Steps) -> Tensor:
    """`output[:, -1]`."""
    return steps.output[:, -1]


def forward_of_last_column(steps: Steps) -> Tensor:
    """`output[:, -1, :H]`."""
    return steps.output[:, -1, : steps.h_n.shape[2]]


def both_states(steps: Steps) -> Tensor:
    """`torch.cat([h_n[-2], h_n[-1]], 1)`."""
    return torch.cat([steps.h_n[-2], steps.h_n[-1]], 1)


def last_state(steps: Steps) -> Tensor:
    """`h_n[-1]`, the backward direction's."""
    return steps.h_n[-1]


def forward_state(steps: Steps) -> Tensor:
    """`h_n[-2]`, the forward direction's."""
    return steps.h_n[-2]


def mean_of_all(steps: Steps) -> Tensor:
    """`output.mean(1)`."""
    return steps.output.mean(1)


def mean_of_real(steps: Steps) -> Tensor:
    """The mean over real steps."""
    return (steps.output * steps.real).sum(1) / steps.real.sum(1)


def max_of_all(steps: Steps) -> Tensor:
    """`output.amax(1)`."""
    return steps.output.amax(1)


def max_of_real(steps: Steps) -> Tensor:
    """The maximum over real steps."""
    return steps.output.masked_fill(~steps.real, -torch.inf).amax(1)


Form = Callable[[Steps], Tensor]
OVER = "RNN over padding, "
"""Before the name of a form whose network has read the padding."""

FORMS: dict[str, dict[str, Form]] = {
    "BiConcatPooler": {
        "output[:, -1]": last_column,
        "h_n[-2] and h_n[-1]": both_states,
        OVER + "output[:, -1]": last_column,
        OVER + "h_n[-2] and h_n[-1]": both_states,
    },
    "LastHiddenPooler": {
        "h_n[-1]": last_state,
        "output[:, -1, :H]": forward_of_last_column,
        OVER + "h_n[-2]": forward_state,
    },
    "MaskedMeanPooler": {
        "output.mean(1)": mean_of_all,
        OVER + "mean of real steps": mean_of_real,
        OVER + "output.mean(1)": mean_of_all,
    },
    "MaskedMaxPooler": {
        "output.amax(1)": max_of_all,
        OVER + "maximum of real steps": max_of_real,
        OVER + "output.amax(1)": max_of_all,
    },
}
"""By the pooler that the model was trained with: what is written in its place."""
