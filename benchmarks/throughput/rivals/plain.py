"""Rivals in plain PyTorch: the textbook form, `bmm`, `embedding_bag`, `segment_reduce`, jagged NestedTensor."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.throughput.batches import Batch, Padded
from benchmarks.throughput.rivals.places import bags
from benchmarks.throughput.trial import Contender, Run, Trial

REDUCTIONS = {"sum": "sum", "mean": "mean", "max": "max", "min": "min"}
BAGS = ("sum", "mean", "max")
WEIGHTED: dict[str, Callable[[Tensor], Tensor]] = {
    "sum": lambda mask: mask,
    "mean": lambda mask: mask / mask.sum(1, keepdim=True),
    "mean-sqrt-length": lambda mask: mask / mask.sum(1, keepdim=True).sqrt(),
    "position-weighted": lambda mask: (place := mask.cumsum(1) * mask) / place.sum(1, keepdim=True),
}
"""The weight of each step, from a mask."""
JAGGED = {"sum": "sum", "mean": "mean", "max": "amax", "min": "amin"}


def offer(trial: Trial, *, compiled: bool) -> dict[str, Contender]:
    """What PyTorch alone has for this pooler on this layout."""
    batch, name = trial.batch, trial.name
    parameters = tuple(trial.pooler.parameters())
    found = {label: Contender(run, parameters) for label, run in _textbook(trial, compiled=compiled).items()}
    if name in WEIGHTED and batch.layout.padded is not None:
        found["bmm"] = Contender(_weighted(batch.layout.padded, WEIGHTED[name]))
    if name in BAGS:
        found["embedding_bag"] = Contender(_bag(batch, name))
    if name in REDUCTIONS and batch.layout.flat is not None:
        found["segment_reduce"] = Contender(_segments(batch, REDUCTIONS[name]))
    if name in JAGGED and isinstance(nested := batch.layout.output(batch.stored), Tensor) and nested.is_nested:
        found["NestedTensor"] = Contender(_jagged(batch, JAGGED[name]))
    return found


def _textbook(trial: Trial, *, compiled: bool) -> dict[str, Run]:
    """The textbook form where steps are padded, or are padded first; packed ones by `pad_packed_sequence`."""
    padded = trial.batch.layout.padded
    if padded is None:
        return {}
    textbook = trial.subject.textbook(trial.pooler)
    # Fusing is the compiler's affair alone: packing and nesting stay outside.
    fused = torch.compile(textbook, dynamic=False) if compiled else None
    found: dict[str, Run] = {"textbook": lambda stored: textbook(*padded(stored))}
    if fused is not None:
        found["textbook, compiled"] = lambda stored: fused(*padded(stored))
    return found


def _weighted(pad: Callable[[Tensor], Padded], weigh: Callable[[Tensor], Tensor]) -> Run:
    def run(stored: Tensor) -> Tensor:
        x, mask = pad(stored)
        # Counted in float32: a half type counts to 256 or 2,048.
        return torch.bmm(weigh(mask.float()).to(x.dtype).unsqueeze(1), x).squeeze(1)

    return run


def _bag(batch: Batch, mode: str) -> Run:
    """A bag of numbered rows takes every layout in place."""

    def run(stored: Tensor) -> Tensor:
        rows, starts = bags(batch, stored)
        return F.embedding_bag(rows, stored.flatten(0, -2), starts, mode=mode)

    return run


def _segments(batch: Batch, reduce: str) -> Run:
    return lambda stored: torch.segment_reduce(stored, reduce, offsets=batch.offsets)


def _jagged(batch: Batch, method: str) -> Run:
    def run(stored: Tensor) -> Tensor:
        pooled: Tensor = getattr(batch.layout.output(stored), method)(dim=1)
        return pooled

    return run
