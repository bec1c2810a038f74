"""Where each route of RNNEncoder wins on a device, and what its choice among them costs."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from unittest.mock import patch

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import seqpool
from benchmarks.throughput.devices import clock_of
from benchmarks.timing import by_rounds, ratio, spread
from seqpool.rnn import RNNEncoder
from seqpool.routes import Route

FEATURES = 100
KINDS: dict[str, type[nn.RNNBase]] = {"RNN": nn.RNN, "GRU": nn.GRU, "LSTM": nn.LSTM, "LSTM, projected": nn.LSTM}
STACKS = ((1, False), (1, True), (2, True))
HIDDEN = (64, 256)
SHAPES = ((8, 50), (32, 100), (64, 200))
FILLS = (0.2, 0.4, 0.6, 0.8, 1.0)


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

    @property
    def real(self) -> float:
        """Share of real steps."""
        return round(int(self.lengths().sum()) / (self.batch * self.steps), 3)

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
    return output.sum(1) / counts.to(output.device).unsqueeze(1)


def measure(cell: Cell, rounds: int, device: torch.device) -> Row:
    """Time the routes in turn, after checking that all give the same vectors and, in training, the same gradients."""
    rnn, lengths = cell.network().to(device), cell.lengths()
    x = torch.randn(cell.batch, cell.steps, FEATURES, device=device, requires_grad=cell.training)
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

    def timed(form: Callable[[], Tensor]) -> Callable[[], Sequence[Tensor]]:
        if not cell.training:
            return lambda: [form()]
        return lambda: torch.autograd.grad(form().sum(), [x, *rnn.parameters()])

    with torch.set_grad_enabled(cell.training):
        wanted, learnt = _packed(rnn, x, lengths), timed(lambda: _packed(rnn, x, lengths))()
        for form in forms.values():
            torch.testing.assert_close(form(), wanted, rtol=1e-5, atol=1e-6)
            _agree(timed(form)(), learnt)
        seconds = by_rounds({name: timed(form) for name, form in forms.items()}, rounds, clock_of(device))
    ms = {name: round(1000 * spread(taken).median, 3) for name, taken in seconds.items()}
    best = min((name for name in forms if name != "chosen"), key=ms.__getitem__)
    cost = ratio(seconds, "chosen", best)
    return Row(
        cell.kind, cell.layers, cell.bidirectional, cell.hidden, cell.batch, cell.steps,
        cell.real, cell.training,
        ms["module"], ms["reversed"], ms["groups"], ms["chosen"], best,
        *(round(value, 3) for value in (cost.median, cost.p20, cost.p80)),
    )  # fmt: skip  # the fields of the table, in their order


def _agree(found: Sequence[Tensor], learnt: Sequence[Tensor]) -> None:
    """Let no gradient differ by more than rounding; that of a weight sums over all steps of the batch."""
    for got, right in zip(found, learnt, strict=True):
        torch.testing.assert_close(got, right, rtol=1e-4, atol=1e-5 * max(1.0, float(right.abs().max())))


def key(cell: Row | Cell) -> tuple[object, ...]:
    """What tells cells apart."""
    return cell.kind, cell.layers, cell.bidirectional, cell.hidden, cell.batch, cell.steps, cell.real, cell.training
