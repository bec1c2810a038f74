"""The Triton backend: the verbs as kernels, for CUDA and ROCm, and for the CPU in Triton's interpreter."""

from seqpool.ops.triton.attention import attend
from seqpool.ops.triton.deviations import variation
from seqpool.ops.triton.exponentials import logsumexp
from seqpool.ops.triton.language import INTERPRETED
from seqpool.ops.triton.peaks import peak
from seqpool.ops.triton.scored import attend_by
from seqpool.ops.triton.scored_tiles import holds
from seqpool.ops.triton.sums import total

__all__ = ["INTERPRETED", "attend", "attend_by", "holds", "logsumexp", "peak", "total", "variation"]
