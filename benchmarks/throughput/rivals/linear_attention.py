"""Mean pooling of flash-linear-attention, by chunks of flat rows; one chunk as long as the longest sequence."""

from fla.ops.utils import mean_pooling
from torch import Tensor

from benchmarks.throughput.trial import Contender, Trial


def offer(trial: Trial) -> dict[str, Contender]:
    """Its mean, on a GPU."""
    batch = trial.batch
    chunk = 1 << (int(batch.layout.lengths.max()) - 1).bit_length()

    def run(stored: Tensor) -> Tensor:
        pooled: Tensor = mean_pooling(stored[None, :, None], chunk, cu_seqlens=batch.offsets)
        return pooled.flatten(0, 2)

    return {"flash-linear-attention": Contender(run)}
