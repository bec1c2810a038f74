"""Every pooler; written by `python -m tests.catalogue`."""

from seqpool.poolers.attention import AdditiveAttentionPooler, AttentionPooler
from seqpool.poolers.attentive_statistics import AttentiveStatisticsPooler
from seqpool.poolers.bert import BertPooler
from seqpool.poolers.bidirectional import BiConcatPooler, BiMergePooler
from seqpool.poolers.cell_state import CellStatePooler
from seqpool.poolers.channel_attention import ChannelAttentionPooler
from seqpool.poolers.concat import ConcatPooler
from seqpool.poolers.covariance import CovariancePooler
from seqpool.poolers.dct import DCTPooler
from seqpool.poolers.ends import FirstPooler, LastPooler
from seqpool.poolers.final_states import LastHiddenPooler
from seqpool.poolers.gated import GatedSumPooler
from seqpool.poolers.gated_attention import GatedAttentionPooler
from seqpool.poolers.hierarchical import HierarchicalPooler
from seqpool.poolers.latent_attention import LatentAttentionPooler
from seqpool.poolers.layer_states import LayerConcatPooler, ScalarMixPooler
from seqpool.poolers.max_attention import MaxAttentionPooler
from seqpool.poolers.moments import MomentsPooler
from seqpool.poolers.multi_head import MultiHeadAttentionPooler
from seqpool.poolers.net_vlad import NetVLADPooler, NeXtVLADPooler
from seqpool.poolers.order_statistics import MedianPooler, QuantilePooler
from seqpool.poolers.positional import DecayMeanPooler, PositionWeightedMeanPooler
from seqpool.poolers.power_means import GeMPooler, PowerMeanPooler
from seqpool.poolers.pyramid import PyramidPooler
from seqpool.poolers.query_attention import QueryAttentionPooler
from seqpool.poolers.reductions import MaskedMaxPooler, MaskedMeanPooler, MaskedMinPooler, MaskedSumPooler
from seqpool.poolers.scaled import MeanSqrtLengthPooler
from seqpool.poolers.set2set import Set2SetPooler
from seqpool.poolers.sim_pool import SimPooler
from seqpool.poolers.soft_extremes import LogSumExpPooler, SoftmaxPooler
from seqpool.poolers.state_attention import StateAttentionPooler
from seqpool.poolers.statistics import StatisticsPooler, StdPooler, VariancePooler
from seqpool.poolers.structured_attention import StructuredAttentionPooler
from seqpool.poolers.tokens import TokenPooler
from seqpool.poolers.top_k import KMaxPooler, TopKMeanPooler
from seqpool.poolers.trimmed_mean import TrimmedMeanPooler
from seqpool.poolers.weighted import WeightedMeanPooler, WeightedStatisticsPooler, WeightedSumPooler
from seqpool.poolers.weighted_layers import WeightedLayersPooler

__all__ = [
    "AdditiveAttentionPooler",
    "AttentionPooler",
    "AttentiveStatisticsPooler",
    "BertPooler",
    "BiConcatPooler",
    "BiMergePooler",
    "CellStatePooler",
    "ChannelAttentionPooler",
    "ConcatPooler",
    "CovariancePooler",
    "DCTPooler",
    "DecayMeanPooler",
    "FirstPooler",
    "GatedAttentionPooler",
    "GatedSumPooler",
    "GeMPooler",
    "HierarchicalPooler",
    "KMaxPooler",
    "LastHiddenPooler",
    "LastPooler",
    "LatentAttentionPooler",
    "LayerConcatPooler",
    "LogSumExpPooler",
    "MaskedMaxPooler",
    "MaskedMeanPooler",
    "MaskedMinPooler",
    "MaskedSumPooler",
    "MaxAttentionPooler",
    "MeanSqrtLengthPooler",
    "MedianPooler",
    "MomentsPooler",
    "MultiHeadAttentionPooler",
    "NeXtVLADPooler",
    "NetVLADPooler",
    "PositionWeightedMeanPooler",
    "PowerMeanPooler",
    "PyramidPooler",
    "QuantilePooler",
    "QueryAttentionPooler",
    "ScalarMixPooler",
    "Set2SetPooler",
    "SimPooler",
    "SoftmaxPooler",
    "StateAttentionPooler",
    "StatisticsPooler",
    "StdPooler",
    "StructuredAttentionPooler",
    "TokenPooler",
    "TopKMeanPooler",
    "TrimmedMeanPooler",
    "VariancePooler",
    "WeightedLayersPooler",
    "WeightedMeanPooler",
    "WeightedStatisticsPooler",
    "WeightedSumPooler",
]
