"""The promises about `torch.func`: batches of batches, and a gradient for each sequence."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import torch
from torch import Tensor
from torch.func import functional_call, grad, vmap

from seqpool.poolers.base import Pooler
from tests.contract.discovery import Case
from tests.contract.laying import Laid
from tests.contract.layouts import LAYOUTS, Layout
from tests.contract.rows import row
from tests.contract.running import Inputs, arguments, fitted, gradients, inputs_of, run

SHORT = (3, 1, 2)
COPIES = 3
# The axis of the sequences.
SEQUENCE = {"values": 0, "weights": 0, "query": 0, "lengths": 0, "h_n": 1, "c_n": 1}


def _caller(pooler: Pooler, layout: Layout, laid: Laid) -> Callable[[Mapping[str, Tensor], Inputs], Tensor]:
    def pooled(weights: Mapping[str, Tensor], inputs: Inputs) -> Tensor:
        args, given = arguments(layout, laid, inputs)
        result: Tensor = functional_call(pooler, dict(weights), args, given)
        return result

    return pooled


@row("vmap")
def check_vmap(case: Case, layout: Layout) -> None:
    """A stack of batches pools as one after the other."""
    for (root, *beside), make in case.sources(SHORT, states=layout.states):
        pooler = case.build()
        batches = [fitted(make([torch.randn_like(root), *beside]), layout) for _ in range(COPIES)]
        fixed = layout.laid_once(batches[0].rows)
        laid = fixed.lay(batches[0].rows)
        want = torch.stack([run(pooler, batch, fixed).pooled for batch in batches])
        each = [inputs_of(pooler, batch, layout, laid) for batch in batches]
        varied = {name: name not in laid.index for name in each[0]}
        stacked = {name: torch.stack([one[name] for one in each]) if varied[name] else each[0][name] for name in varied}
        axes = {name: 0 if varied[name] else None for name in varied}
        got = vmap(_caller(pooler, layout, laid), in_dims=(None, axes))(dict(pooler.named_parameters()), stacked)
        torch.testing.assert_close(got, want)


@row("sample_gradients")
def check_sample_gradients(case: Case) -> None:
    """`vmap(grad(...))` over sequences of different length gives each sequence's own gradients."""
    layout = LAYOUTS["right_padded"]
    for batch in case.batches(SHORT):
        pooler = case.build()
        laid = layout.lay(batch.rows)
        inputs = {name: tensor.detach() for name, tensor in inputs_of(pooler, batch, layout, laid).items()}
        weights = dict(pooler.named_parameters())
        cotangent = torch.randn(pooler.out_features(inputs["values"].shape[2]))
        pooled = _caller(pooler, layout, laid)

        def loss(weights: Mapping[str, Tensor], values: Tensor, beside: Inputs) -> Tensor:
            alone = {name: one.unsqueeze(SEQUENCE[name]) for name, one in {"values": values, **beside}.items()}
            return pooled(weights, alone)[0] @ cotangent  # noqa: B023  # called within the iteration

        beside = {name: tensor for name, tensor in inputs.items() if name != "values"}
        axes = {name: SEQUENCE[name] for name in beside}
        by_weight, by_value = vmap(grad(loss, argnums=(0, 1)), in_dims=(None, 0, axes))(
            weights, inputs["values"], beside
        )
        for b in range(len(batch.rows)):
            alone = replace(batch.take([b]), table=batch.table.detach().requires_grad_())
            got = run(pooler, alone, layout)
            *want, at_values = gradients(got.pooled, [*weights.values(), got.values], cotangent.unsqueeze(0))
            for name, grads in zip(weights, want, strict=True):
                torch.testing.assert_close(by_weight[name][b], grads)
            steps = at_values.shape[1]
            torch.testing.assert_close(by_value[b, :steps], at_values[0])
            assert not by_value[b, steps:].any()
