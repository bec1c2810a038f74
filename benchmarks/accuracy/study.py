"""What each study measures, and of what, where nothing else is asked for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, final

from benchmarks.accuracy import train
from benchmarks.accuracy.job import Job
from benchmarks.accuracy.rows import Point, Row, Run
from benchmarks.accuracy.studies import bias, gradients, importance, mistakes
from benchmarks.accuracy.studies.forms import FORMS

FOUNDATION = (
    "LastHiddenPooler,BiConcatPooler,BiMergePooler,LayerConcatPooler,ScalarMixPooler,CellStatePooler,FirstPooler,"
    "LastPooler,MaskedMeanPooler,MaskedMaxPooler,MaskedMinPooler,MaskedSumPooler,AttentionPooler,"
    "AdditiveAttentionPooler,ConcatPooler"
)
CATALOGUE = "KMaxPooler,LogSumExpPooler,SoftmaxPooler,StdPooler,MultiHeadAttentionPooler,AttentiveStatisticsPooler"
MAINI = "BiConcatPooler,MaskedMeanPooler,MaskedMaxPooler,AttentionPooler"
"""The four that Maini et al. 2020 compare, their attention without its second query."""
PROBES = ",".join(f"probes:{task}-64" for task in ("needle", "first", "last", "order", "majority", "count"))


@final
@dataclass(frozen=True, kw_only=True)
class Study:
    """A study: what to do with a job, the rows that come of it, their file, and what is asked by default."""

    measure: Callable[[Job], Sequence[Row]]
    row: type[Run] | type[Point] = Run
    file: str = "accuracy.csv"
    datasets: str = "imdb"
    poolers: str = MAINI
    sizes: str | None = None
    baselines: bool = False
    padding: Sequence[Literal["read"] | None] = (None,)


STUDIES = {
    "poolers": Study(
        measure=train.measure,
        datasets=f"trec,sst2_sentences,rotten_tomatoes,banking77,imdb,{PROBES}",
        poolers=f"{FOUNDATION},{CATALOGUE}",
        baselines=True,
    ),
    "sizes": Study(
        measure=train.measure,
        # Not 25,000: imdb's recipe cuts a tenth for validation, and of that 2,250 validate 22,500.
        sizes="1000,2000,5000,10000,22500",
        baselines=True,
    ),
    "masking": Study(measure=train.measure, file="study-masking.csv", padding=(None, "read")),
    "bias": Study(measure=bias.measure, file="study-bias.csv"),
    "gradients": Study(measure=gradients.measure, row=Point, file="study-gradients.csv"),
    "importance": Study(measure=importance.measure, row=Point, file="study-importance.csv"),
    "mistakes": Study(
        measure=mistakes.measure,
        file="study-mistakes.csv",
        datasets="trec,rotten_tomatoes",
        poolers=",".join(FORMS),
    ),
}
