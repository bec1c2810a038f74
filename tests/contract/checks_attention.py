"""The promises about attention weights."""

import ast
from collections.abc import Iterable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

import seqpool
from seqpool.poolers.base import AttentionBase
from tests.contract.checks import SMALL
from tests.contract.discovery import Case
from tests.contract.layouts import LAYOUTS, Layout
from tests.contract.rows import row
from tests.contract.running import arguments, fitted, inputs_of, run

GOLDEN = Path(__file__).parents[1] / "golden"


def own_rows(output: object) -> Tensor:
    """The tensor that a container keeps its rows in."""
    if isinstance(output, PackedSequence):
        return output.data
    assert isinstance(output, Tensor)
    rows: Tensor = output.values() if output.is_nested else output
    return rows


@row("weights")
def check_weights(case: Case, layout: Layout) -> None:
    """Weights come in the layout of the steps, sum to 1 over each sequence, and are exactly 0 on padding."""
    batch = fitted(next(case.batches(SMALL, states=layout.states)), layout)
    pooler = case.build()
    laid = layout.lay(batch.rows)
    inputs = inputs_of(pooler, batch, layout, laid)
    args, given = arguments(layout, laid, inputs)
    pooled, weights = pooler(*args, **given, return_weights=True)
    torch.testing.assert_close(pooled, pooler(*args, **given), rtol=0, atol=0)
    output, steps = laid.wrap(inputs["values"], laid.index)
    rows = own_rows(weights)
    assert type(weights) is type(output)
    assert rows.shape[:-1] == own_rows(output).shape[:-1]
    assert rows.dtype == batch.table.dtype
    padding = own_rows(laid.wrap((laid.ids < 0).unsqueeze(-1).float(), laid.index)[0])[..., 0] == 1
    assert not rows[padding].any(), "weights must be exactly 0 on padding"
    some = torch.tensor([n > 0 for n in batch.lengths]).float().unsqueeze(1)
    torch.testing.assert_close(
        seqpool.functional.sum(seqpool.view(weights, **steps)), some.expand(-1, rows.shape[-1]), rtol=0, atol=1e-6
    )


def without_oracle(classes: Iterable[type[AttentionBase]]) -> list[str]:
    """Classes that no golden test builds: what has not one score a step is compared with other attention there."""
    trees = [ast.parse(path.read_text("utf-8")) for path in GOLDEN.glob("test_*.py")]
    calls = [node.func for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]
    built = {func.id for func in calls if isinstance(func, ast.Name)}
    return sorted({cls.__name__ for cls in classes} - built)


@row("scaled_dot_product")
def check_scaled_dot_product(case: Case) -> None:
    """A pooler with one score a step is PyTorch's own attention with those scores for a bias."""
    pooler = case.build()
    score = getattr(pooler, "score", None)
    assert isinstance(score, nn.Module), f"{case} has no score a step"
    batch = next(case.batches((3, 6, 1)))
    layout = LAYOUTS["right_padded"]
    x = torch.nn.utils.rnn.pad_sequence([batch.table[rows] for rows in batch.rows], batch_first=True)
    real = torch.arange(x.shape[1]) < torch.tensor(batch.lengths).unsqueeze(1)
    scores = score(x).squeeze(2).masked_fill(~real, float("-inf"))
    flat = torch.zeros(len(batch.rows), 1, x.shape[2])
    want = F.scaled_dot_product_attention(flat, torch.zeros_like(x), x, attn_mask=scores.unsqueeze(1)).squeeze(1)
    torch.testing.assert_close(run(pooler, batch, layout).pooled, want)
