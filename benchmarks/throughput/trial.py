"""What is put to a rival, and what a rival is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from benchmarks.throughput.batches import Batch
from benchmarks.throughput.subjects import SUBJECTS, Subject
from seqpool import Pooler

Run = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Trial:
    """One pooler on one batch."""

    name: str
    pooler: Pooler
    batch: Batch

    @property
    def subject(self) -> Subject:
        """How the pooler is written without this library."""
        return SUBJECTS[self.name]

    def pool(self, stored: Tensor) -> Tensor:
        """The pooler's own result from what the layout stores."""
        pooled: Tensor = self.pooler(self.batch.layout.output(stored), **self.batch.layout.given)
        return pooled


@dataclass(frozen=True)
class Contender:
    """A way from what the layout stores to `(B, F)`, and the parameters that it trains.

    `shared`: they are the pooler's own, so that their gradients have an oracle. `ties`: equal steps may share a
    gradient that ours gives to the first of them.
    """

    run: Run
    parameters: Sequence[nn.Parameter] = ()
    shared: bool = True
    ties: bool = False
