"""What runs will cost, before any is started: a few steps of one pooler on each cell, counted up."""

import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import final

import torch
import torch.nn.functional as F
from rich.table import Table

from benchmarks.accuracy.job import BASELINES, Job
from benchmarks.accuracy.rows import signature
from benchmarks.accuracy.session import start
from benchmarks.accuracy.train import build
from recipes.data.batches import Batch, BatchLoader

STEPS = 4
"""Steps that are timed; the first does not count."""


@final
@dataclass(frozen=True, kw_only=True)
class Cost:
    """CPU seconds of one run of a cell, all of its budget of epochs, and hours of all its runs.

    `tokens` are those of a training epoch, padding included; loading and imports, some ten seconds, are not counted.
    """

    study: str
    dataset: str
    encoder: str
    train_size: int
    variant: str
    epochs: int
    steps_per_epoch: int
    tokens: int
    seconds_per_epoch: float
    validation_seconds: float
    test_seconds: float
    run_seconds: float
    runs: int
    hours: float
    commit: str
    torch: str
    machine: str
    date: str


def costs(jobs: Sequence[Job]) -> Iterator[Cost]:
    """The cost of each cell of the networks among the jobs."""
    networks = (replace(job, seed=0, pooler="MaskedMeanPooler") for job in jobs if job.pooler not in BASELINES)
    for job, runs in Counter(networks).items():
        yield cost(job, runs)


def cost(job: Job, runs: int) -> Cost:
    """The cost of one cell that is run so many times."""
    session = start(job)
    data, epochs = session.data, job.budget(session.whole)
    model = build(job, data)
    optimizer = model.optimizer(model.parameters())

    def step(batch: Batch) -> None:
        optimizer.zero_grad()
        F.cross_entropy(model(*batch[:2]), batch[2]).backward()  # type: ignore[no-untyped-call]  # torch's
        optimizer.step()

    @torch.no_grad()
    def read(batch: Batch) -> None:
        model(*batch[:2])

    train, validation, test = data.train_dataloader(), data.val_dataloader(), data.test_dataloader()
    epoch = len(train) * timed(step, train)
    once = timed(read, test)
    seconds = {"validation": len(validation) * once, "test": len(test) * once}
    whole = epochs * (epoch + seconds["validation"]) + seconds["test"]
    signed = signature()
    return Cost(
        study=job.study,
        dataset=job.dataset,
        encoder=job.encoder,
        train_size=len(train.texts),
        variant=job.variant,
        epochs=epochs,
        steps_per_epoch=len(train),
        tokens=sum(ids.numel() for ids, *_ in train),
        seconds_per_epoch=epoch,
        validation_seconds=seconds["validation"],
        test_seconds=seconds["test"],
        run_seconds=whole,
        runs=runs,
        hours=runs * whole / 3600,
        **{name: signed[name] for name in ("commit", "torch", "machine", "date")},
    )


def timed(run: Callable[[Batch], None], loader: BatchLoader) -> float:
    """CPU seconds of one batch, in the median: other processes of the machine do not count."""
    found = []
    for batch in islice(loader, STEPS):
        begin = time.process_time()
        run(batch)
        found.append(time.process_time() - begin)
    return statistics.median(found[1:] or found)


def shown(rows: Sequence[Cost]) -> Table:
    """The costs as a table."""
    table = Table(title="CPU seconds of a run, one thread")
    table.add_column("dataset")
    for heading in ("texts", "epochs", "an epoch", "test", "a run", "runs", "hours"):
        table.add_column(heading, justify="right")
    for row in rows:
        times = (f"{row.seconds_per_epoch:.1f}", f"{row.test_seconds:.1f}", f"{row.run_seconds:.0f}")
        table.add_row(
            f"{row.dataset} {row.variant}".strip(),
            f"{row.train_size:,}",
            str(row.epochs),
            *times,
            str(row.runs),
            f"{row.hours:.1f}",
        )
    table.add_section()
    table.add_row("all", "", "", "", "", "", str(sum(row.runs for row in rows)), f"{sum(r.hours for r in rows):.1f}")
    return table
