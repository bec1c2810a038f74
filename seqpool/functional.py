"""The mathematics of each parameter-free pooler, as functions of a view."""

from seqpool.poolers.bidirectional import bi_concat, bi_merge
from seqpool.poolers.cell_state import cell_state
from seqpool.poolers.ends import first, last
from seqpool.poolers.final_states import last_hidden
from seqpool.poolers.layer_states import layer_concat, scalar_mix
from seqpool.poolers.reductions import max, mean, min, sum  # noqa: A004  # the field's names, read behind a dot

__all__ = [
    "bi_concat",
    "bi_merge",
    "cell_state",
    "first",
    "last",
    "last_hidden",
    "layer_concat",
    "max",
    "mean",
    "min",
    "scalar_mix",
    "sum",
]
