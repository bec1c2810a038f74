"""One network over one batch, packed as it should be and over padding as it should not."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

LENGTHS = [2, 5, 5, 3]
STEPS = max(LENGTHS)
NAMES = ["packed", "padded", "masked", "left", "time-major", "flat", "jagged"]


@dataclass(frozen=True)
class Run:
    """What the network returned: over the packed batch, and over its padding."""

    packed: PackedSequence
    output: Tensor
    hidden: tuple[Tensor, Tensor]
    careless: Tensor
    careless_hidden: tuple[Tensor, Tensor]


def lstm(directions: int, layers: int = 2, width: int = 4) -> nn.LSTM:
    """A network whose output has this width in all."""
    return nn.LSTM(3, width // directions, layers, batch_first=True, bidirectional=directions == 2)


def run(encoder: nn.LSTM) -> Run:
    """Run it over random sequences."""
    x = torch.randn(len(LENGTHS), STEPS, encoder.input_size)
    encoder.batch_first = True
    packed, hidden = encoder(pack_padded_sequence(x, torch.tensor(LENGTHS), batch_first=True, enforce_sorted=False))
    output, _ = pad_packed_sequence(packed, batch_first=True)
    return Run(packed, output, hidden, *encoder(x))


def layouts(batch: Run, *, careless: bool = False) -> dict[str, tuple[Any, dict[str, Any]]]:
    """The output in every layout, with the arguments that say where its steps are."""
    output = batch.careless if careless else batch.output
    mask = torch.arange(STEPS) < torch.tensor(LENGTHS).unsqueeze(1)
    cut = [row[:n] for row, n in zip(output, LENGTHS, strict=True)]
    left = torch.stack([row.roll(STEPS - n, 0) for row, n in zip(output, LENGTHS, strict=True)])
    offsets = [sum(LENGTHS[:b]) for b in range(len(LENGTHS) + 1)]
    return {
        "packed": (batch.packed, {}),
        "padded": (output, {"lengths": LENGTHS}),
        "masked": (output, {"mask": mask}),
        "left": (left, {"mask": mask.flip(1)}),
        "time-major": (output.transpose(0, 1), {"lengths": LENGTHS, "batch_first": False}),
        "flat": (torch.cat(cut), {"offsets": offsets}),
        "jagged": (torch.nested.nested_tensor_from_jagged(torch.cat(cut), torch.tensor(offsets)), {}),
    }
