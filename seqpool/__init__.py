"""One vector per sequence, right and fast, from whatever an encoder returns."""

from seqpool import functional, ops
from seqpool.layout import Sequences, unstack_h_n, view
from seqpool.poolers import (
    AdditiveAttentionPooler,
    AttentionPooler,
    BiConcatPooler,
    BiMergePooler,
    CellStatePooler,
    ConcatPooler,
    FirstPooler,
    LastHiddenPooler,
    LastPooler,
    LayerConcatPooler,
    MaskedMaxPooler,
    MaskedMeanPooler,
    MaskedMinPooler,
    MaskedSumPooler,
    ScalarMixPooler,
)
from seqpool.poolers.base import Pooler
from seqpool.rnn import RNNEncoder

__all__ = [
    "AdditiveAttentionPooler",
    "AttentionPooler",
    "BiConcatPooler",
    "BiMergePooler",
    "CellStatePooler",
    "ConcatPooler",
    "FirstPooler",
    "LastHiddenPooler",
    "LastPooler",
    "LayerConcatPooler",
    "MaskedMaxPooler",
    "MaskedMeanPooler",
    "MaskedMinPooler",
    "MaskedSumPooler",
    "Pooler",
    "RNNEncoder",
    "ScalarMixPooler",
    "Sequences",
    "functional",
    "ops",
    "unstack_h_n",
    "view",
]
