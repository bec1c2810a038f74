"""The promises about values: each check is a function that a sound pooler passes and some planted bug does not."""

from functools import partial

import torch

from tests.contract.contents import Content, plain
from tests.contract.discovery import WIDTH, Case
from tests.contract.laying import left_padded, right_padded
from tests.contract.layouts import LAYOUTS, Layout
from tests.contract.rows import row
from tests.contract.running import assert_agree, fitted, gradients, oracle, run

SMALL = (3, 6, 0, 1, 6, 4)
# Long and wide enough for the paths that read slices of the rows.
LARGE = (40, 33, 0, 7)
WIDE = 128


@row("values")
def check_values(
    case: Case, layout: Layout, content: Content = plain, lengths: tuple[int, ...] = SMALL, width: int = WIDTH
) -> None:
    """Values and every gradient equal the one-sequence definition's; padding is not read and gets none."""
    # Sums over many rows round apart by more than single precision's tolerance, in whatever order either takes them.
    dtype = torch.float64 if lengths == LARGE else torch.float32
    for whole in case.batches(lengths, states=layout.states, content=content, width=width, dtype=dtype):
        batch = fitted(whole, layout)
        pooler = case.build(width).to(dtype)
        got, want = run(pooler, batch, layout), oracle(pooler, batch)
        torch.testing.assert_close(got.pooled, want, equal_nan=True)
        cotangent = torch.randn_like(want)
        leaves = [*batch.leaves, *pooler.parameters()]
        rows = [got.inputs[name] for name in ("values", "weights") if name in got.inputs]
        found = gradients(got.pooled, [*leaves, *rows], cotangent)
        expected = gradients(want, leaves, cotangent)
        for one, other in zip(found, expected, strict=False):
            torch.testing.assert_close(one, other, equal_nan=True)
        for at_rows in found[len(leaves) :]:
            assert not at_rows[got.padding].any(), "padding got a gradient"


@row("company")
def check_company(case: Case, layout: Layout) -> None:
    """A sequence alone gives what it gives in company."""
    for whole in case.batches(SMALL, states=layout.states):
        batch = fitted(whole, layout)
        pooler = case.build()
        together = run(pooler, batch, layout).pooled
        for b in range(len(batch.rows)):
            assert_agree(case, run(pooler, batch.take([b]), layout).pooled, together[b : b + 1])


@row("permutation")
def check_permutation(case: Case, layout: Layout) -> None:
    """Another order of the batch permutes the result."""
    for whole in case.batches(SMALL, states=layout.states):
        batch = fitted(whole, layout)
        pooler = case.build()
        order = torch.randperm(len(batch.rows)).tolist()
        permuted = run(pooler, batch.take(order), layout).pooled
        assert_agree(case, permuted, run(pooler, batch, layout).pooled[order])


@row("side")
def check_padding(case: Case) -> None:
    """Neither side nor amount of padding changes the result."""
    for batch in case.batches(SMALL):
        pooler = case.build()
        want = run(pooler, batch, LAYOUTS["right_padded"]).pooled
        for extra in (0, 1, 9):
            for side in (right_padded, left_padded):
                assert_agree(case, run(pooler, batch, Layout(partial(side, extra=extra))).pooled, want)


@row("empties")
def check_empties(case: Case, layout: Layout) -> None:
    """No steps and no sequences give zeros, with a zero gradient, and backward runs."""
    for lengths in ((), (0,), (0, 0), (0, 3), (2, 0)):
        for whole in case.batches(lengths, states=layout.states):
            batch = fitted(whole, layout)
            pooler = case.build()
            got = run(pooler, batch, layout)
            assert got.pooled.shape == (len(batch.rows), pooler.out_features(WIDTH))
            nothing = torch.tensor([n == 0 for n in batch.lengths], dtype=torch.bool)
            assert not got.pooled[nothing].any(), "an empty sequence must give zeros"
            cotangent = nothing.unsqueeze(1).expand_as(got.pooled).float()
            for grad in gradients(got.pooled, [*batch.leaves, got.values, *pooler.parameters()], cotangent):
                assert not grad.any(), "an empty sequence must give no gradient"


@row("repeats")
def check_repeats(case: Case, layout: Layout) -> None:
    """Two runs agree bit for bit while fresh memory is NaN."""
    assert torch.are_deterministic_algorithms_enabled()
    assert torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]  # set on the module
    for whole in case.batches(LARGE, states=layout.states, width=WIDE):
        batch = fitted(whole, layout)
        pooler = case.build(WIDE)
        fixed = layout.laid_once(batch.rows)
        results = []
        for _ in range(2):
            got = run(pooler, batch, fixed)
            leaves = [*batch.leaves, got.values, *pooler.parameters()]
            results.append([got.pooled, *gradients(got.pooled, leaves, torch.ones_like(got.pooled))])
        for one, other in zip(*results, strict=True):
            torch.testing.assert_close(one, other, rtol=0, atol=0)
            assert not one.isnan().any()
