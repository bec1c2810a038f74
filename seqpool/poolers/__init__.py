"""Every pooler, one family a file; written by `python -m tests.catalogue`."""

from seqpool.poolers.attention import AdditiveAttentionPooler, AttentionPooler
from seqpool.poolers.bidirectional import BiConcatPooler, BiMergePooler
from seqpool.poolers.cell_state import CellStatePooler
from seqpool.poolers.concat import ConcatPooler
from seqpool.poolers.ends import FirstPooler, LastPooler
from seqpool.poolers.final_states import LastHiddenPooler
from seqpool.poolers.layer_states import LayerConcatPooler, ScalarMixPooler
from seqpool.poolers.reductions import MaskedMaxPooler, MaskedMeanPooler, MaskedMinPooler, MaskedSumPooler

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
    "ScalarMixPooler",
]
