"""Training steps of a text classifier: `RNNEncoder` beside the textbook form, batches at random and by length."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.throughput.devices import clock_of, facts
from benchmarks.throughput.network import CLASSES, ENCODER, WAYS, WORDS, Classifier, Way, alone
from benchmarks.throughput.oracle import disagreement
from benchmarks.throughput.rows import replace, table
from benchmarks.throughput.shapes import Shape
from benchmarks.timing import by_rounds, ratio, spread

RESULTS = Path(__file__).parents[1] / "results"
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


def measure(
    shape: Shape, number: int, rounds: int, device: torch.device, ways: Mapping[str, Way] = WAYS
) -> tuple[list[TrainingRow], dict[str, str]]:
    """Rows of the ways that are right, with batches at random and by length, and what is wrong with the others."""
    torch.manual_seed(0)
    network = Classifier(shape.features).to(device)
    rows: list[TrainingRow] = []
    wrong: dict[str, str] = {}
    for name, bucketed in (("random", False), ("length-bucketed", True)):
        texts = batches(shape, number, device, bucketed=bucketed)
        faults = {way: fault(run, network, texts[-1]) for way, run in ways.items()}
        wrong |= {way: reason for way, reason in faults.items() if reason}
        right = {way: epoch(run, network, texts) for way, run in ways.items() if not faults[way]}
        if ENCODER not in right:
            continue
        seconds = by_rounds(right, rounds, clock_of(device))
        rows += [_row(name, shape, way, texts, seconds, device) for way in right]
    return rows, wrong


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


def report(rows: Sequence[TrainingRow], about: Mapping[str, str], wrong: Mapping[str, str]) -> str:
    """Markdown."""
    lines = [
        "# Training steps", "",
        "Embedding, bidirectional LSTM, mean, linear head; forward, backward and Adam. Ratio: time over RNNEncoder's, "
        "round by round. Logits and gradients agreed with each text alone in float64 in the same run.", "",
        *(f"- {name}: {value}" for name, value in about.items()), "",
        "| batches | B x T x hidden | way | real steps | ms a step | samples/s | real tokens/s | ratio |",
        "|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip  # a table
    lines += [
        f"| {row.batches} | {row.shape} | {row.way} | {row.real:.2f} | {row.step_ms:.1f} [{row.step_ms_p20:.1f}, "
        f"{row.step_ms_p80:.1f}] | {row.samples_per_s:,.0f} | {row.tokens_per_s:,.0f} | "
        f"{row.ratio:.2f} [{row.ratio_p20:.2f}, {row.ratio_p80:.2f}] |"
        for row in rows
    ]
    return "\n".join([*lines, "", *(f"- without a number: {way}: {reason}" for way, reason in wrong.items())]) + "\n"


def main(argv: Sequence[str]) -> int:
    """Measure, keep as CSV and report."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks training", description=__doc__)
    parser.add_argument("--shape", default="32x200x128:uniform", help="BxTxhidden:lengths (default: %(default)s)")
    parser.add_argument("--batches", type=int, default=8, help="batches an epoch (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=7, help="epochs that count, at least 2 (default: %(default)s)")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--save", type=Path, help="CSV to write")
    options = parser.parse_args(argv)
    try:
        shape = Shape.parse(options.shape)
    except ValueError as error:
        parser.error(str(error))
    if options.rounds < 2 or options.batches < 1:
        parser.error(f"at least 2 rounds and 1 batch are needed, {options.rounds} and {options.batches} came")
    if options.device == "cuda" and not torch.cuda.is_available():
        parser.error("--device cuda needs a GPU and a CUDA build of torch, neither is usable here: leave it out")
    torch.set_num_threads(1)
    device = torch.device(options.device)
    rows, wrong = measure(shape, options.batches, options.rounds, device)
    path = options.save or RESULTS / f"training-{device.type}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    text = report(rows, facts(device), wrong)
    replace(path, table(TrainingRow, rows))
    replace(path.with_suffix(".md"), text)
    print(text)
    return int(bool(wrong))
