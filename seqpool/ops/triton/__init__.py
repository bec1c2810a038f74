"""The Triton backend: the verbs as kernels, for CUDA and ROCm, and for the CPU in Triton's interpreter."""

from seqpool.ops.triton.language import INTERPRETED
from seqpool.ops.triton.peak import peak
from seqpool.ops.triton.total import total

__all__ = ["INTERPRETED", "peak", "total"]
