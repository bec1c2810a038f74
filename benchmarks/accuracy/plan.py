"""Which runs are asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Literal, final

from benchmarks.accuracy.job import BASELINES, ENCODERS, Job
from recipes.compare import fitting
from recipes.poolers import choose

RESULTS = Path(__file__).parents[1] / "results"

FOUNDATION = (
    "LastHiddenPooler,BiConcatPooler,BiMergePooler,LayerConcatPooler,ScalarMixPooler,CellStatePooler,FirstPooler,"
    "LastPooler,MaskedMeanPooler,MaskedMaxPooler,MaskedMinPooler,MaskedSumPooler,AttentionPooler,"
    "AdditiveAttentionPooler,ConcatPooler"
)
CATALOGUE = "KMaxPooler,LogSumExpPooler,SoftmaxPooler,StdPooler,MultiHeadAttentionPooler,AttentiveStatisticsPooler"
PROBES = ",".join(f"probes:{task}-64" for task in ("needle", "first", "last", "order", "majority", "count"))
DATASETS = f"trec,sst2_sentences,rotten_tomatoes,banking77,imdb,{PROBES}"


@final
@dataclass(frozen=True, kw_only=True)
class Plan:
    """Poolers behind one encoder, on datasets, over seeds, beside two baselines.

    Args:
        data: Folder that holds each dataset as a folder of its name; the probes need none.
        datasets: Names with commas between them; a probe as probes:order-64.
        poolers: Names with commas between them, or `all`.
        seeds: So many, from 0 on.
        sizes: Training texts, several with commas between them; all of a dataset's by default.
        encoder: The network around the pooler.
        epochs: At most so many; by default as the recipe.
        max_tokens: Longer texts are cut here; by default as the recipe.
        test_texts: At most so many, the same for every run; all by default.
        study: Name in the table's first column.
        backend: Processes on this machine, or a Dask cluster.
        jobs: Runs at a time, each a process of one thread; of a cluster elsewhere, its own affair.
        scheduler: Address of a Dask cluster's scheduler; by default a cluster of `jobs` processes on this machine.
        save: CSV to write, gone on with where it exists.

    Raises:
        ValueError: a number is too small, or a name is unknown.
    """

    data: str = "datasets"
    datasets: str = DATASETS
    poolers: str = f"{FOUNDATION},{CATALOGUE}"
    seeds: int = 5
    sizes: str | None = None
    encoder: Literal["BiLSTM 256", "BiLSTM 16"] = "BiLSTM 256"
    epochs: int | None = None
    max_tokens: int | None = None
    test_texts: int | None = None
    study: str = "poolers"
    backend: Literal["loky", "dask"] = "loky"
    jobs: int = 1
    scheduler: str | None = None
    save: str = str(RESULTS / "accuracy.csv")

    def __post_init__(self) -> None:
        for name in ("seeds", "epochs", "max_tokens", "test_texts", "jobs"):
            number = getattr(self, name)
            if number is not None and number < 1:
                raise ValueError(f"{name} must be at least 1, {number} came")
        if not self.save.endswith(".csv"):
            raise ValueError(f"save must be named *.csv, {self.save!r} came")
        if self.scheduler is not None and self.backend != "dask":
            raise ValueError("scheduler is the address of a Dask cluster: give backend dask with it, or leave it out")

    def fitting(self) -> tuple[list[str], dict[str, str]]:
        """The poolers that work behind the encoder, and why the others cannot; a named one that cannot is an error."""
        names = choose(self.poolers)
        candidates, reasons = fitting(names, ENCODERS[self.encoder])
        if reasons and self.poolers != "all":
            name, reason = next(iter(reasons.items()))
            raise ValueError(f"{name} cannot be measured: {reason}")
        return [candidate.name for candidate in candidates], reasons

    def runs(self, poolers: Sequence[str]) -> list[Job]:
        """Every run, a dataset after the other, and of each every pooler with a seed before the next seed."""
        cells = product(self.datasets.split(","), self._sizes(), range(self.seeds), (*BASELINES, *poolers))
        return [
            Job(
                study=self.study,
                dataset=dataset.strip(),
                folder=str(Path(self.data).absolute()),
                encoder=self.encoder,
                pooler=pooler,
                seed=seed,
                size=size,
                epochs=self.epochs,
                max_tokens=self.max_tokens,
                test_texts=self.test_texts,
            )
            for dataset, size, seed, pooler in cells
        ]

    def _sizes(self) -> list[int | None]:
        if self.sizes is None:
            return [None]
        sizes = [int(size) if size.strip().isdecimal() else 0 for size in self.sizes.split(",")]
        if 0 in sizes:
            raise ValueError(f"sizes must be whole numbers above 0 with commas between them, {self.sizes!r} came")
        return [*sizes]
