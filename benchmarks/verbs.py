"""Cost of the parameter-free poolers on the CPU, layout by layout, beside one pass over the valid rows."""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

import seqpool
from benchmarks.timing import by_rounds, machine, ratio

ONE_PASS, TEXTBOOK = "one pass", "textbook"

Textbook = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Verb:
    """A pooler, its textbook form on `(B, T, D)` and a mask, and the passes it may cost."""

    pooler: seqpool.Pooler
    textbook: Textbook
    limit: float


@dataclass(frozen=True)
class Batch:
    """One layout of the same sequences: how to call a pooler, and the padded form the textbook wants."""

    output: Tensor | PackedSequence
    given: dict[str, Any]
    padded: Callable[[], tuple[Tensor, Tensor]]
    rows: Tensor


def _mean(x: Tensor, mask: Tensor) -> Tensor:
    return (x * mask.unsqueeze(-1)).sum(1) / mask.sum(1, keepdim=True)


def _sum(x: Tensor, mask: Tensor) -> Tensor:
    return (x * mask.unsqueeze(-1)).sum(1)


def _last(x: Tensor, mask: Tensor) -> Tensor:
    return torch.where(mask.any(1).unsqueeze(1), _bare_last(x, mask), 0)


def _bare_last(x: Tensor, mask: Tensor) -> Tensor:
    """Of an empty sequence, a step that is not its own."""
    step = torch.arange(x.shape[1])
    return x[torch.arange(x.shape[0]), torch.where(mask, step, 0).amax(1)]


def _max(x: Tensor, mask: Tensor) -> Tensor:
    return x.masked_fill(~mask.unsqueeze(-1), float("-inf")).amax(1)


def _min(x: Tensor, mask: Tensor) -> Tensor:
    return x.masked_fill(~mask.unsqueeze(-1), float("inf")).amin(1)


VERBS = {
    "sum": Verb(seqpool.MaskedSumPooler(), _sum, 2),
    "mean": Verb(seqpool.MaskedMeanPooler(), _mean, 2),
    "last": Verb(seqpool.LastPooler(), _last, 2),
    "bare last": Verb(seqpool.LastPooler(), _bare_last, 2),
    "max": Verb(seqpool.MaskedMaxPooler(), _max, 4),
    "min": Verb(seqpool.MaskedMinPooler(), _min, 4),
}


def layouts(batch: int, steps: int, features: int) -> dict[str, Batch]:
    """The same seeded sequences, uniform 10-100% long, in every layout."""
    generator = torch.Generator().manual_seed(0)
    lengths = torch.randint(steps // 10, steps + 1, (batch,), generator=generator)
    lengths[0] = steps
    x = torch.randn(batch, steps, features, generator=generator)
    mask = torch.arange(steps) < lengths.unsqueeze(1)
    holes = mask & (torch.rand(batch, steps, generator=generator) < 0.9)
    flat, offsets = x[mask], torch.cat([torch.zeros(1, dtype=torch.int64), lengths.cumsum(0)])
    packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    time_major, channels = x.transpose(0, 1).contiguous(), x.transpose(1, 2).contiguous().transpose(1, 2)
    wide = torch.cat([x, x], 1)[:, :steps]
    flipped = x.flip(1)

    def unpacked() -> tuple[Tensor, Tensor]:
        padded, counts = pad_packed_sequence(packed, batch_first=True)
        return padded, torch.arange(padded.shape[1]) < counts.unsqueeze(1)

    def same() -> tuple[Tensor, Tensor]:
        return x, mask

    return {
        "padded": Batch(x, {"lengths": lengths}, same, flat),
        "time-major": Batch(time_major, {"lengths": lengths, "batch_first": False}, same, flat),
        "left-padded": Batch(flipped, {"mask": mask.flip(1)}, lambda: (flipped, mask.flip(1)), flat),
        "mask with holes": Batch(x, {"mask": holes}, lambda: (x, holes), x[holes]),
        "x[:, :T]": Batch(wide, {"lengths": lengths}, lambda: (wide, mask), flat),
        "channels first": Batch(channels, {"lengths": lengths}, lambda: (channels, mask), flat),
        "packed": Batch(packed, {}, unpacked, flat),
        "flat": Batch(flat, {"offsets": offsets}, same, flat),
        "nested": Batch(torch.nested.nested_tensor_from_jagged(flat, offsets), {}, same, flat),
    }


def measure(batch: Batch, verb: Verb, rounds: int) -> tuple[str, str]:
    """Cost in passes and in textbook forms, after checking that both give the same vectors."""

    def pooled() -> Tensor:
        result: Tensor = verb.pooler(batch.output, **batch.given)
        return result

    def textbook() -> Tensor:
        return verb.textbook(*batch.padded())

    torch.testing.assert_close(pooled(), textbook(), rtol=1e-4, atol=1e-4)
    seconds = by_rounds({"seqpool": pooled, ONE_PASS: lambda: batch.rows.sum(0), TEXTBOOK: textbook}, rounds)
    passes, books = ratio(seconds, "seqpool", ONE_PASS), ratio(seconds, TEXTBOOK, "seqpool")
    verdict = "" if passes.median <= verb.limit else f"  above {verb.limit:g}"
    return f"{passes}{verdict}", str(books)


def main(argv: Sequence[str]) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks verbs", description=__doc__)
    parser.add_argument("--rounds", type=int, default=31, help="timed rounds (default: 31)")
    parser.add_argument("--shape", default="64,256,512", help="B,T,D (default: 64,256,512)")
    arguments = parser.parse_args(argv)
    torch.set_num_threads(1)
    batch, steps, features = map(int, arguments.shape.split(","))
    print(machine())
    print(f"(B, T, D) = ({batch}, {steps}, {features}), float32, forward, lengths uniform 10-100%; median [p20, p80]")
    print(f"{'layout':16} {'verb':9} {'x one pass over the valid rows':32} textbook form / seqpool")
    for name, layout in layouts(batch, steps, features).items():
        for verb_name, verb in VERBS.items():
            passes, books = measure(layout, verb, arguments.rounds)
            print(f"{name:16} {verb_name:9} {passes:32} {books}", flush=True)
    return 0
