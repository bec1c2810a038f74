"""A padded transformer classifier with a pooler, exported at one shape and served at others."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

import seqpool
from tests.deploy.models import TOKENS, TransformerClassifier, quiet, session

pytestmark = quiet
POOLERS: dict[str, Callable[[], seqpool.Pooler]] = {
    "mean": seqpool.MaskedMeanPooler,
    "attention": lambda: seqpool.AttentionPooler(8),
    "last": seqpool.LastPooler,
    "ulmfit": lambda: seqpool.ConcatPooler(seqpool.LastPooler(), seqpool.MaskedMaxPooler(), seqpool.MaskedMeanPooler()),
}
# Right-padded with an empty row, left-padded, full, with a hole, one sequence, one step.
MASKS = [
    [[1, 1, 1, 0, 0], [0, 0, 0, 0, 0], [1, 1, 1, 1, 1]],
    [[0, 0, 0, 1, 1, 1, 1], [0, 0, 0, 0, 0, 0, 1]],
    [[1, 1, 1], [1, 1, 1], [1, 1, 1], [1, 0, 1]],
    [[1, 1, 0, 0]],
    [[1], [0]],
]


def batches() -> list[tuple[Tensor, Tensor]]:
    masks = [torch.tensor(rows, dtype=torch.bool) for rows in MASKS]
    return [(torch.randint(TOKENS, mask.shape), mask) for mask in masks]


def alone(model: TransformerClassifier, tokens: Tensor, mask: Tensor) -> Tensor:
    """Each sequence by itself, without padding, through the pooler's definition."""
    rows = []
    for sequence, kept in zip(tokens, mask, strict=True):
        if not kept.any():
            rows.append(model.head(torch.zeros(model.head.in_features)))
            continue
        steps = model.encoder(model.embed(sequence[kept]).unsqueeze(0))
        rows.append(model.head(model.pooler.one(steps[0])))
    return torch.stack(rows)


def served(model: TransformerClassifier, form: str) -> Callable[..., Tensor]:
    tokens, mask = batches()[0]
    sizes = {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC}
    program = torch.export.export(model, (tokens, mask), dynamic_shapes=(sizes, sizes), strict=False)
    if form == "export":
        run: Callable[..., Tensor] = program.module()
        return run
    onnx = torch.onnx.export(program, dynamo=True, verbose=False)
    assert onnx is not None
    return session(onnx.model_proto.SerializeToString())


@pytest.mark.parametrize(
    ("form", "pooler"),
    [
        ("export", "attention"),
        ("onnx", "mean"),
        *(
            pytest.param(form, name, marks=pytest.mark.full)
            for form, names in {"export": ("mean", "last", "ulmfit"), "onnx": ("attention", "last", "ulmfit")}.items()
            for name in names
        ),
    ],
)
def test_a_transformer_serves_other_shapes(form: str, pooler: str) -> None:
    model = TransformerClassifier(POOLERS[pooler]()).eval()
    with torch.no_grad():
        run = served(model, form)
        for tokens, mask in batches():
            logits = run(tokens, mask)
            torch.testing.assert_close(logits, alone(model, tokens, mask), rtol=1e-4, atol=1e-5)
            empty = logits[~mask.any(1)]
            assert torch.equal(empty, model.head.bias.expand_as(empty))
