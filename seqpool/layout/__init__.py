"""Layouts: the only room that knows how a batch of sequences lies in memory."""

from seqpool.layout.checks import Integers, zero_or_one
from seqpool.layout.extras import attach_extras
from seqpool.layout.gate import Output, States, view
from seqpool.layout.host import in_graph, on_host
from seqpool.layout.sequences import Sequences
from seqpool.layout.states import confirm_states, is_bidirectional, unstack_h_n

__all__ = [
    "Integers",
    "Output",
    "Sequences",
    "States",
    "attach_extras",
    "confirm_states",
    "in_graph",
    "is_bidirectional",
    "on_host",
    "unstack_h_n",
    "view",
    "zero_or_one",
]
