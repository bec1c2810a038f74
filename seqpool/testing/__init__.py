"""Assertions for users' own models: a row may depend on the real steps of its own sequence and on nothing else."""

from seqpool.testing.empties import assert_empty_is_finite
from seqpool.testing.everything import assert_pools_correctly
from seqpool.testing.gradients import assert_no_padding_gradient
from seqpool.testing.mates import assert_batch_invariant
from seqpool.testing.padding import assert_padding_invariant

__all__ = [
    "assert_batch_invariant",
    "assert_empty_is_finite",
    "assert_no_padding_gradient",
    "assert_padding_invariant",
    "assert_pools_correctly",
]
