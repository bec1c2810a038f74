"""An encoder deploys with any pooler, and with a mask: left padding, holes and NaN in padding, at other batches."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

import seqpool
from tests.deploy.models import quiet, session
from tests.encoders import D, H, build, one_by_one

pytestmark = quiet
POOLERS: dict[str, Callable[[], seqpool.Pooler]] = {
    "mean": seqpool.MaskedMeanPooler,
    "max": seqpool.MaskedMaxPooler,
    "attention": lambda: seqpool.AttentionPooler(2 * H),
    "last": lambda: seqpool.LastHiddenPooler(direction="backward"),
    "layers": lambda: seqpool.LayerConcatPooler(2),
    "cell": seqpool.CellStatePooler,
}
SEEN = torch.tensor([[1, 1, 1, 1], [0, 0, 1, 1], [1, 1, 0, 0]], dtype=torch.bool)
SERVED = torch.tensor([[0, 1, 1, 1], [0, 0, 0, 0], [1, 0, 0, 1], [1, 1, 1, 1], [1, 0, 0, 0]], dtype=torch.bool)


class Masked(torch.nn.Module):
    """The old exporter takes no keyword."""

    def __init__(self, encoder: seqpool.RNNEncoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        pooled: Tensor = self.encoder(x, mask=mask)
        return pooled


def steps(mask: Tensor) -> Tensor:
    return torch.where(mask.unsqueeze(2), torch.randn(*mask.shape, D), float("nan"))


def deployed(form: str, model: Masked, path: Path) -> Callable[..., Tensor]:
    seen, sizes = (steps(SEEN), SEEN), {0: torch.export.Dim("batch")}
    if form == "trace":
        traced: Callable[..., Tensor] = torch.jit.trace(model, seen)  # type: ignore[no-untyped-call]  # torch leaves it untyped
        return traced
    if form == "export":
        run: Callable[..., Tensor] = torch.export.export(model, seen, dynamic_shapes=(sizes, sizes)).module()
        return run
    if form == "onnx":
        torch.onnx.export(model, seen, path, dynamo=True, dynamic_shapes=(sizes, sizes), verbose=False)
    else:
        axes = {"x": {0: "batch"}, "mask": {0: "batch"}}
        torch.onnx.export(model, seen, path, dynamo=False, input_names=["x", "mask"], dynamic_axes=axes)
    return session(str(path))


QUICK = {("export", "cell"), ("onnx-old", "attention")}


@pytest.mark.parametrize(
    ("form", "pooler"),
    [
        pytest.param(form, pooler, marks=() if (form, pooler) in QUICK else pytest.mark.full)
        for form in ("export", "onnx", "onnx-old", "trace")
        for pooler in POOLERS
    ],
)
def test_each_pooler_with_a_mask(form: str, pooler: str, tmp_path: Path) -> None:
    encoder = seqpool.RNNEncoder(build("lstm"), POOLERS[pooler]())
    run = deployed(form, Masked(encoder).eval(), tmp_path / "model.onnx")
    x = steps(SERVED)
    with torch.no_grad():
        expected = one_by_one(encoder, [row[kept] for row, kept in zip(x, SERVED, strict=True)])
        torch.testing.assert_close(run(x, SERVED), expected, rtol=1e-5, atol=1e-6)
