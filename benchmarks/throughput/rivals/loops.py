"""Rivals in plain PyTorch for the CPU: a Python loop over sequences or over steps, and the owner of each row."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from benchmarks.throughput.batches import Batch
from benchmarks.throughput.rivals.places import owners
from benchmarks.throughput.trial import Contender, Run, Trial

RUNNING: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"max": torch.maximum, "min": torch.minimum}
SCATTERED = {"sum": "sum", "mean": "mean", "max": "amax", "min": "amin"}


def offer(trial: Trial) -> dict[str, Contender]:
    """What fits the layout."""
    batch, name = trial.batch, trial.name
    slices = batch.layout.slices
    found = {}
    if slices is not None:
        one = trial.pooler.one
        found["loop of slices"] = Contender(
            lambda stored: torch.stack([one(sequence) for sequence in slices(stored)]), tuple(trial.pooler.parameters())
        )
    if name in RUNNING and isinstance(batch.layout.output(batch.stored), PackedSequence):
        found["running over packed steps"] = Contender(_running(batch, RUNNING[name]))
    if batch.stored.dim() == 2 and name in SCATTERED:
        found["scatter_reduce"] = Contender(_scatter(batch, SCATTERED[name]))
        if name in ("sum", "mean"):
            found["index_add"] = Contender(_add(batch, mean=name == "mean"))
    return found


def _scatter(batch: Batch, reduce: str) -> Run:
    def run(stored: Tensor) -> Tensor:
        owner = owners(batch, stored)
        zeros = stored.new_zeros(batch.size, stored.shape[1])
        return zeros.scatter_reduce(0, owner.unsqueeze(1).expand_as(stored), stored, reduce, include_self=False)

    return run


def _add(batch: Batch, *, mean: bool) -> Run:
    def run(stored: Tensor) -> Tensor:
        zeros = stored.new_zeros(batch.size, stored.shape[1])
        summed = zeros.index_add(0, owners(batch, stored), stored)
        return summed / batch.layout.lengths.unsqueeze(1) if mean else summed

    return run


def _running(batch: Batch, larger: Callable[[Tensor, Tensor], Tensor]) -> Run:
    """Step by step over the sequences that still run; those that have ended are set aside."""

    def run(stored: Tensor) -> Tensor:
        packed = batch.layout.output(stored)
        assert isinstance(packed, PackedSequence)
        best, *steps = torch.split(packed.data, packed.batch_sizes.tolist())
        ended = []
        for step in steps:
            running = step.shape[0]
            if running < best.shape[0]:
                ended.append(best[running:])
            best = larger(best[:running], step)
        pooled = torch.cat([best, *reversed(ended)])
        return pooled if packed.unsorted_indices is None else pooled[packed.unsorted_indices]

    return run
