"""Which runs are asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Literal, final

from benchmarks.accuracy.job import BASELINES, ENCODERS, Job
from benchmarks.accuracy.study import STUDIES
from recipes.compare import fitting
from recipes.poolers import choose

RESULTS = Path(__file__).parents[1] / "results"


@final
@dataclass(frozen=True, kw_only=True)
class Plan:
    """Poolers behind one encoder, on datasets, over seeds.

    Args:
        study: What to measure; it decides what is asked for where nothing else is said.
        data: Folder that holds each dataset as a folder of its name; the probes need none.
        datasets: Names with commas between them, a probe as probes:order-64; by default the study's.
        poolers: Names with commas between them, or `all`; by default the study's.
        seeds: So many, from 0 on.
        sizes: Training texts, several with commas between them; by default the study's, or all of a dataset's.
        encoder: The network around the pooler.
        epochs: At most so many; by default as the recipe, of the study `sizes` more for fewer texts, 20 at most (three
            without a better validation accuracy end a run before).
        max_tokens: Longer texts are cut here; by default as the recipe.
        test_texts: At most so many, the same for every run; all by default.
        backend: Processes on this machine, or a Dask cluster.
        jobs: Runs at a time, each a process of one thread; of a cluster elsewhere, its own affair.
        scheduler: Address of a Dask cluster's scheduler; by default a cluster of `jobs` processes on this machine.
        budget: Run nothing, but say what it would cost, and keep that beside the CSV.
        save: CSV to write, gone on with where it exists; by default the study's, in benchmarks/results.

    Raises:
        ValueError: a number is too small, or a name is unknown.
    """

    study: Literal["poolers", "sizes", "mistakes", "masking", "bias", "gradients", "importance"] = "poolers"
    data: str = "datasets"
    datasets: str | None = None
    poolers: str | None = None
    seeds: int = 5
    sizes: str | None = None
    encoder: Literal["BiLSTM 256", "BiLSTM 16"] = "BiLSTM 256"
    epochs: int | None = None
    max_tokens: int | None = None
    test_texts: int | None = None
    backend: Literal["loky", "dask"] = "loky"
    jobs: int = 1
    scheduler: str | None = None
    budget: bool = False
    save: str | None = None

    def __post_init__(self) -> None:
        for name in ("seeds", "epochs", "max_tokens", "test_texts", "jobs"):
            number = getattr(self, name)
            if number is not None and number < 1:
                raise ValueError(f"{name} must be at least 1, {number} came")
        if self.path.suffix != ".csv":
            raise ValueError(f"save must be named *.csv, {self.save!r} came")
        if self.scheduler is not None and self.backend != "dask":
            raise ValueError("scheduler is the address of a Dask cluster: give backend dask with it, or leave it out")

    @property
    def path(self) -> Path:
        """The file of the rows."""
        return RESULTS / STUDIES[self.study].file if self.save is None else Path(self.save)

    def fitting(self) -> tuple[list[str], dict[str, str]]:
        """The poolers that work behind the encoder, and why the others cannot; a named one that cannot is an error."""
        names = choose(self.poolers or STUDIES[self.study].poolers)
        candidates, reasons = fitting(names, ENCODERS[self.encoder])
        if reasons and self.poolers != "all":
            name, reason = next(iter(reasons.items()))
            raise ValueError(f"{name} cannot be measured: {reason}")
        return [candidate.name for candidate in candidates], reasons

    def runs(self, poolers: Sequence[str]) -> list[Job]:
        """Every run, a dataset after the other, and of each every pooler with a seed before the next seed."""
        study = STUDIES[self.study]
        named = [name.strip() for name in (self.datasets or study.datasets).split(",")]
        models = (*BASELINES, *poolers) if study.baselines else poolers
        return [
            Job(
                study=self.study,
                dataset=dataset,
                folder=str(Path(self.data).absolute()),
                encoder=self.encoder,
                pooler=pooler,
                seed=seed,
                size=size,
                epochs=self.epochs,
                max_tokens=self.max_tokens,
                test_texts=self.test_texts,
                padding=padding,
            )
            for dataset, size, seed, pooler, padding in product(
                named, self._sizes(), range(self.seeds), models, study.padding
            )
        ]

    def _sizes(self) -> list[int | None]:
        written = self.sizes or STUDIES[self.study].sizes
        if written is None:
            return [None]
        sizes = [int(size) if size.strip().isdecimal() else 0 for size in written.split(",")]
        if 0 in sizes:
            raise ValueError(f"sizes must be whole numbers above 0 with commas between them, {written!r} came")
        return [*sizes]
