"""Training steps of a text classifier: `RNNEncoder` beside the textbook form, batches at random and by length."""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.throughput.devices import clock_of
from benchmarks.throughput.network import CLASSES, ENCODER, WAYS, WORDS, Classifier, Way, alone
from benchmarks.throughput.oracle import disagreement
from benchmarks.throughput.shapes import Shape
from benchmarks.timing import by_rounds, ratio, spread

Text = tuple[Tensor, Tensor, Tensor]


@dataclass(frozen=True)
class TrainingRow:
    """One way to run the network; `real`: share of steps that are no padding; `ratio`: its time over RNNEncoder's."""

    device: str
    batches: str
    shape: str
    way: str
    real: float
    rounds: int
    step_ms: float
    step_ms_p20: float
    step_ms_p80: float
    samples_per_s: float
    tokens_per_s: float
    ratio: float
    ratio_p20: float
    ratio_p80: float


def batches(shape: Shape, number: int, device: torch.device, *, bucketed: bool) -> list[Text]:
    """Padded tokens, lengths and labels; each batch as wide as its longest text. Bucketed: texts of like length."""
    generator = torch.Generator().manual_seed(0)
    many = shape.batch * number
    lengths = Shape(many, shape.steps, shape.features, shape.spread).lengths()
    tokens = torch.randint(WORDS, (many, shape.steps), generator=generator)
    labels = torch.randint(CLASSES, (many,), generator=generator)
    order = lengths.argsort() if bucketed else torch.randperm(many, generator=generator)
    found = []
    for chosen in torch.split(order, shape.batch):
        counts = lengths[chosen]
        x = tokens[chosen, : int(counts.max())]
        # Lengths stay on the host, where packing wants them.
        found.append((x.to(device), counts, labels[chosen].to(device)))
    return found


def fault(way: Way, network: Classifier, text: Text) -> str | None:
    """What is wrong with the logits and the gradients of one step, or `None`."""
    tokens, lengths, labels = text
    exact = deepcopy(network).double()

    def results(run: Way, model: Classifier) -> tuple[Tensor, ...]:
        logits = run(model, tokens, lengths)
        return logits.detach(), *torch.autograd.grad(F.cross_entropy(logits, labels), list(model.parameters()))

    names = ["logits", *(name for name, _ in network.named_parameters())]
    compared = zip(names, results(way, network), results(alone, exact), strict=True)
    faults = [disagreement(name, got, wanted) for name, got, wanted in compared]
    return next((found for found in faults if found), None)


def epoch(way: Way, network: Classifier, texts: Sequence[Text]) -> Callable[[], None]:
    """Train a copy of the network on every batch once a call."""
    own = deepcopy(network)
    optimizer = torch.optim.Adam(own.parameters(), 1e-4)

    def run() -> None:
        for tokens, lengths, labels in texts:
            optimizer.zero_grad()
            F.cross_entropy(way(own, tokens, lengths), labels).backward()  # type: ignore[no-untyped-call]  # torch's
            optimizer.step()

    return run


ORDERS = ("random", "length-bucketed")


@dataclass
class Outcome:
    """Rows of one shape and order of batches, and what is wrong with the ways that have none."""

    rows: list[TrainingRow]
    wrong: dict[str, str]


def measure(
    shape: Shape, order: str, number: int, rounds: int, device: torch.device, ways: Mapping[str, Way] = WAYS
) -> Outcome:
    """Time the ways that are right; without `RNNEncoder` among them, none."""
    torch.manual_seed(0)
    network = Classifier(shape.features).to(device)
    texts = batches(shape, number, device, bucketed=order == "length-bucketed")
    faults = {way: fault(run, network, texts[-1]) for way, run in ways.items()}
    wrong = {way: reason for way, reason in faults.items() if reason}
    right = {way: epoch(run, network, texts) for way, run in ways.items() if not faults[way]}
    if ENCODER not in right:
        return Outcome([], wrong)
    seconds = by_rounds(right, rounds, clock_of(device))
    return Outcome([_row(order, shape, way, texts, seconds, device) for way in right], wrong)


def _row(
    name: str, shape: Shape, way: str, texts: Sequence[Text], seconds: Mapping[str, list[float]], device: torch.device
) -> TrainingRow:
    taken, against = spread([1000 * second / len(texts) for second in seconds[way]]), ratio(seconds, way, ENCODER)
    real, stored = sum(int(text[1].sum()) for text in texts), sum(text[0].numel() for text in texts)
    samples = sum(text[0].shape[0] for text in texts)
    whole = taken.median * len(texts) / 1000
    return TrainingRow(
        device.type, name, str(shape), way, real / stored, len(seconds[way]), taken.median, taken.p20, taken.p80,
        samples / whole, real / whole, against.median, against.p20, against.p80,
    )  # fmt: skip  # a table
