"""Where each route of RNNEncoder wins on the CPU, and what its choice among them costs."""

import argparse
import csv
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from unittest.mock import patch

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import seqpool
from benchmarks.timing import by_rounds, machine, ratio, spread
from seqpool.rnn import RNNEncoder
from seqpool.routes import Route

FEATURES = 100
KINDS: dict[str, type[nn.RNNBase]] = {"RNN": nn.RNN, "GRU": nn.GRU, "LSTM": nn.LSTM, "LSTM, projected": nn.LSTM}
STACKS = ((1, False), (1, True), (2, True))
HIDDEN = (64, 256)
SHAPES = ((8, 50), (32, 100), (64, 200))
FILLS = (0.2, 0.4, 0.6, 0.8, 1.0)
RESULTS = Path(__file__).parent / "results" / "routes-cpu.csv"
NEAR = 1.1


@dataclass(frozen=True)
class Cell:
    """A network, the batch that it reads, and whether gradients are wanted."""

    kind: str
    layers: int
    bidirectional: bool
    hidden: int
    batch: int
    steps: int
    fill: float
    training: bool

    def network(self) -> nn.RNNBase:
        """The network, seeded."""
        torch.manual_seed(0)
        projection = self.hidden // 2 if self.kind == "LSTM, projected" else 0
        kind: Callable[..., nn.RNNBase] = KINDS[self.kind]
        shape = {"proj_size": projection} if projection else {}
        return kind(
            FEATURES, self.hidden, self.layers, batch_first=True, bidirectional=self.bidirectional, **shape
        ).train(self.training)

    def lengths(self) -> Tensor:
        """Lengths spread evenly around `fill` of T, shuffled, one of them T."""
        least, most = (0.005, 2 * self.fill) if self.fill < 0.5 else (2 * self.fill - 1, 1.0)
        even = torch.linspace(least * self.steps, most * self.steps, self.batch).round().long().clamp(1, self.steps)
        lengths = even[torch.randperm(self.batch, generator=torch.Generator().manual_seed(0))]
        lengths[int(lengths.argmax())] = self.steps
        return lengths


@dataclass(frozen=True)
class Row:
    """Milliseconds of each route and of the one chosen; `cost`: the latter over the best route's time, by rounds."""

    kind: str
    layers: int
    bidirectional: bool
    hidden: int
    batch: int
    steps: int
    real: float
    training: bool
    module_ms: float
    reversed_ms: float
    groups_ms: float
    chosen_ms: float
    best: str
    cost: float
    cost_p20: float
    cost_p80: float


def cells() -> Iterator[Cell]:
    """Every cell of the table."""
    for kind, (layers, both), hidden, (batch, steps), fill, training in itertools.product(
        KINDS, STACKS, HIDDEN, SHAPES, FILLS, (True, False)
    ):
        yield Cell(kind, layers, both, hidden, batch, steps, fill, training)


def _packed(rnn: nn.RNNBase, x: Tensor, lengths: Tensor) -> Tensor:
    """What users write without this library."""
    output, counts = pad_packed_sequence(
        rnn(pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False))[0], batch_first=True
    )
    return output.sum(1) / counts.unsqueeze(1)


def measure(cell: Cell, rounds: int) -> Row:
    """Time the routes in turn, after checking that all give the same vectors."""
    rnn, lengths = cell.network(), cell.lengths()
    x = torch.randn(cell.batch, cell.steps, FEATURES, requires_grad=cell.training)
    encoder = RNNEncoder(rnn, seqpool.MaskedMeanPooler())

    def pooled() -> Tensor:
        result: Tensor = encoder(x, lengths)
        return result

    def forced(route: Route) -> Callable[[], Tensor]:
        def run() -> Tensor:
            with patch("seqpool.rnn.choose_route", new=lambda *_: route):
                return pooled()

        return run

    forms = {route.name.lower(): forced(route) for route in Route} | {"chosen": pooled}

    def timed(form: Callable[[], Tensor]) -> Callable[[], object]:
        return (lambda: torch.autograd.grad(form().sum(), [x, *rnn.parameters()])) if cell.training else form

    with torch.set_grad_enabled(cell.training):
        wanted = _packed(rnn, x, lengths)
        for form in forms.values():
            torch.testing.assert_close(form(), wanted, rtol=1e-5, atol=1e-6)
        seconds = by_rounds({name: timed(form) for name, form in forms.items()}, rounds)
    ms = {name: round(1000 * spread(taken).median, 3) for name, taken in seconds.items()}
    best = min((name for name in forms if name != "chosen"), key=ms.__getitem__)
    cost = ratio(seconds, "chosen", best)
    return Row(
        cell.kind, cell.layers, cell.bidirectional, cell.hidden, cell.batch, cell.steps,
        round(int(lengths.sum()) / (cell.batch * cell.steps), 3), cell.training,
        ms["module"], ms["reversed"], ms["groups"], ms["chosen"], best,
        *(round(value, 3) for value in (cost.median, cost.p20, cost.p80)),
    )  # fmt: skip  # the fields of the table, in their order


def summary(rows: Sequence[Row]) -> Iterator[str]:
    """A line a kind and mode: where each route wins, and how near the choice comes."""
    yield f"{'network':<17}{'mode':<11}{'cells':>5}  {'module':>6} {'reversed':>8} {'groups':>6}  within 10%  worst"
    for kind, training in itertools.product(KINDS, (True, False)):
        group = [row for row in rows if row.kind == kind and row.training == training]
        if not group:
            continue
        wins = [sum(row.best == route for row in group) for route in ("module", "reversed", "groups")]
        near = sum(row.cost <= NEAR for row in group) / len(group)
        worst = max(row.cost for row in group)
        mode = "training" if training else "inference"
        yield f"{kind:<17}{mode:<11}{len(group):>5}  {wins[0]:>6} {wins[1]:>8} {wins[2]:>6}  {near:>10.0%}  {worst:.2f}"


def main(argv: Sequence[str]) -> int:
    """Measure every cell, keep the rows, and print where each route wins."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks routes", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="timed rounds, at least 2 (default: 5)")
    parser.add_argument("--every", type=int, default=1, help="measure one cell in so many (default: 1, all)")
    parser.add_argument("--output", type=Path, default=RESULTS, help=f"the raw rows (default: {RESULTS.name})")
    options = parser.parse_args(argv)
    if options.rounds < 2 or options.every < 1:
        parser.error(f"needs --rounds >= 2 and --every >= 1, {options.rounds} and {options.every} came")
    torch.set_num_threads(1)
    rows = []
    try:
        for cell in itertools.islice(cells(), 0, None, options.every):
            rows.append(measure(cell, options.rounds))
    except KeyboardInterrupt:
        print("stopped: what was measured is kept")
    with options.output.open("w", newline="") as file:
        file.write(f"# {machine()}\n")
        writer = csv.DictWriter(file, [field.name for field in fields(Row)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(map(asdict, rows))
    print(machine(), *summary(rows), sep="\n")
    return 0
