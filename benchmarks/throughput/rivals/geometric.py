"""The aggregations of PyTorch Geometric, which take flat rows with their owners or with bounds."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch_geometric.nn import aggr

from benchmarks.throughput.trial import Contender, Trial

AGGREGATIONS: dict[str, Callable[[], nn.Module]] = {
    "sum": aggr.SumAggregation,
    "mean": aggr.MeanAggregation,
    "max": aggr.MaxAggregation,
    "min": aggr.MinAggregation,
    "median": aggr.MedianAggregation,
    "std": aggr.StdAggregation,
    "softmax": aggr.SoftmaxAggregation,
}


def offer(trial: Trial) -> dict[str, Contender]:
    """Its aggregation for this pooler, by owner and by bounds."""
    batch, name = trial.batch, trial.name
    aggregation = (
        AGGREGATIONS[name]()
        if name in AGGREGATIONS
        else aggr.AttentionalAggregation(trial.pooler.get_submodule("score"))
    )
    owner = torch.repeat_interleave(batch.layout.lengths)

    def by_owner(stored: Tensor) -> Tensor:
        pooled: Tensor = aggregation(stored, owner, dim_size=batch.size)
        return pooled

    def by_bounds(stored: Tensor) -> Tensor:
        pooled: Tensor = aggregation(stored, ptr=batch.offsets)
        return pooled

    parameters = tuple(trial.pooler.parameters())
    return {"PyG, index": Contender(by_owner, parameters), "PyG, ptr": Contender(by_bounds, parameters)}
