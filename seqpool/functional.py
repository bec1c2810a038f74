"""The mathematics of each parameter-free pooler, as functions of a view, and the functions that make their inputs."""

from seqpool.poolers.bidirectional import bi_concat, bi_merge
from seqpool.poolers.cell_state import cell_state
from seqpool.poolers.dct import dct
from seqpool.poolers.ends import first, last
from seqpool.poolers.final_states import last_hidden
from seqpool.poolers.frequency import smooth_inverse_frequency
from seqpool.poolers.hierarchical import hierarchical
from seqpool.poolers.layer_states import layer_concat, scalar_mix
from seqpool.poolers.max_attention import max_attention
from seqpool.poolers.moments import moments
from seqpool.poolers.order_statistics import median, quantile
from seqpool.poolers.positional import decay_mean, position_weighted_mean
from seqpool.poolers.power_means import power_mean
from seqpool.poolers.pyramid import pyramid
from seqpool.poolers.reductions import max, mean, min, sum  # noqa: A004  # the field's names, read behind a dot
from seqpool.poolers.scaled import mean_sqrt_length
from seqpool.poolers.soft_extremes import log_sum_exp, softmax_mean
from seqpool.poolers.state_attention import state_attention
from seqpool.poolers.statistics import statistics, std, variance
from seqpool.poolers.structured_attention import attention_penalty
from seqpool.poolers.tokens import marker_mask, skip_first, token
from seqpool.poolers.top_k import k_max, top_k_mean
from seqpool.poolers.trimmed_mean import trimmed_mean
from seqpool.poolers.weighted import weighted_mean, weighted_statistics, weighted_sum

__all__ = [
    "attention_penalty",
    "bi_concat",
    "bi_merge",
    "cell_state",
    "dct",
    "decay_mean",
    "first",
    "hierarchical",
    "k_max",
    "last",
    "last_hidden",
    "layer_concat",
    "log_sum_exp",
    "marker_mask",
    "max",
    "max_attention",
    "mean",
    "mean_sqrt_length",
    "median",
    "min",
    "moments",
    "position_weighted_mean",
    "power_mean",
    "pyramid",
    "quantile",
    "scalar_mix",
    "skip_first",
    "smooth_inverse_frequency",
    "softmax_mean",
    "state_attention",
    "statistics",
    "std",
    "sum",
    "token",
    "top_k_mean",
    "trimmed_mean",
    "variance",
    "weighted_mean",
    "weighted_statistics",
    "weighted_sum",
]
