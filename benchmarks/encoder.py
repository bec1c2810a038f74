"""Training RNNEncoder beside pack -> RNN -> pad -> pool on the CPU."""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import seqpool
from benchmarks.timing import by_rounds, machine, ratio, spread
from seqpool.rnn import RNNEncoder

FEATURES, HIDDEN, PROJECTION = 100, 128, 64
KINDS: dict[str, Callable[[bool], nn.RNNBase]] = {
    "RNN": lambda both: nn.RNN(FEATURES, HIDDEN, batch_first=True, bidirectional=both),
    "GRU": lambda both: nn.GRU(FEATURES, HIDDEN, batch_first=True, bidirectional=both),
    "LSTM": lambda both: nn.LSTM(FEATURES, HIDDEN, batch_first=True, bidirectional=both),
    "LSTM, projected": lambda both: nn.LSTM(
        FEATURES, HIDDEN, batch_first=True, bidirectional=both, proj_size=PROJECTION
    ),
}
SHAPES = ((16, 200), (32, 100), (32, 200), (64, 200))


@dataclass(frozen=True)
class Batch:
    """Padded input and its lengths, which are longest first nowhere."""

    x: Tensor
    lengths: Tensor


def uneven(batch: int, steps: int, least: float = 0.1, most: float = 1.0) -> Batch:
    """Lengths spread evenly between two shares of T in shuffled order, one of them T."""
    generator = torch.Generator().manual_seed(0)
    spread_out = torch.linspace(least * steps, most * steps, batch).round().long().clamp(1, steps)
    lengths = spread_out[torch.randperm(batch, generator=generator)]
    lengths[int(lengths.argmax())] = steps
    return Batch(torch.randn(batch, steps, FEATURES, generator=generator).requires_grad_(), lengths)


def textbook(rnn: nn.RNNBase, batch: Batch) -> Tensor:
    """What users write without this library."""
    packed = pack_padded_sequence(batch.x, batch.lengths, batch_first=True, enforce_sorted=False)
    output, lengths = pad_packed_sequence(rnn(packed)[0], batch_first=True)
    return output.sum(1) / lengths.unsqueeze(1)


def learn(rnn: nn.RNNBase, batch: Batch, run: Callable[[], Tensor]) -> list[Tensor]:
    """Forward and backward."""
    return list(torch.autograd.grad(run().square().mean(), [batch.x, *rnn.parameters()]))


def compare_training(kind: str, both: bool, shape: tuple[int, int], rounds: int) -> str:
    """One line: milliseconds of the textbook's form and of RNNEncoder, and how many times faster it is."""
    torch.manual_seed(0)
    rnn, batch = KINDS[kind](both), uneven(*shape)
    encoder = RNNEncoder(rnn, seqpool.MaskedMeanPooler())

    def theirs() -> list[Tensor]:
        return learn(rnn, batch, lambda: textbook(rnn, batch))

    def ours() -> list[Tensor]:
        return learn(rnn, batch, lambda: encoder(batch.x, batch.lengths))

    torch.testing.assert_close(encoder(batch.x, batch.lengths), textbook(rnn, batch), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(ours(), theirs(), rtol=1e-4, atol=1e-6)
    seconds = by_rounds({"textbook": theirs, "seqpool": ours}, rounds)
    milliseconds = {name: spread([1000 * second for second in values]) for name, values in seconds.items()}
    faster = ratio(seconds, "textbook", "seqpool")
    theirs_ms, ours_ms = (f"{milliseconds[name]!s:<30}" for name in ("textbook", "seqpool"))
    name = f"{kind}, {'both ways' if both else 'one way'}"
    return f"{name:<27}{f'{shape[0]} x {shape[1]}':<12}{theirs_ms}{ours_ms}{faster}"


def main(argv: Sequence[str]) -> int:
    """Print both tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks encoder", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="timed rounds, at least 2 (default: 7)")
    options = parser.parse_args(argv)
    if options.rounds < 2:
        parser.error(f"--rounds must be at least 2, {options.rounds} came")
    torch.set_num_threads(1)
    lines = [
        machine(),
        "Forward and backward, lengths 10-100% of T; median [20th, 80th percentile]",
        f"{'network':<27}{'B x T':<12}{'pack, run, pad, pool ms':<30}{'RNNEncoder ms':<30}times faster",
    ]
    for line in lines:
        print(line)  # the report
    for kind in KINDS:
        for both in (False, True):
            for shape in SHAPES:
                print(compare_training(kind, both, shape, options.rounds), flush=True)  # the report
    return 0
