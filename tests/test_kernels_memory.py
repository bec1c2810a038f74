"""Kernels in Triton's interpreter, where tensors lie in memory as they like: wide rows, odd strides, far features."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

import seqpool
from seqpool import ops
from seqpool.ops.choice import Backend
from seqpool.ops.triton import tiles
from seqpool.ops.triton.kernels.address import owner
from seqpool.ops.triton.language import jit, tl
from tests.kernel_cases import VERBS, check, check_against_double, every_verb
from tests.verb_cases import lay, leaves


@pytest.fixture
def _few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """One warp a program, as large batches have it: tiles of 8 steps."""
    monkeypatch.setattr(tiles, "MANY", 1)


@pytest.mark.usefixtures("_few_are_many")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("verb", ["total", "largest", "log_mean_exp", "variation"])
@pytest.mark.parametrize("layout", ["holes", "packed"])
def test_rows_of_several_tiles_moved_16_bytes_at_a_time(layout: str, verb: str, dtype: torch.dtype) -> None:
    check_against_double(verb, layout, leaves([9, 2, 1], width=136, dtype=dtype))


@pytest.mark.usefixtures("_few_are_many")
@pytest.mark.parametrize("layout", ["holes", "packed"])
def test_attention_over_several_tiles(layout: str) -> None:
    check("attend, heads", layout, leaves([9, 2, 1], width=136, dtype=torch.float32))


@every_verb
@pytest.mark.parametrize("form", ["column-major", "expanded"])
def test_a_cotangent_may_lie_in_memory_as_it_likes(form: str, verb: str) -> None:
    def gradient(name: Backend) -> Tensor:
        with ops.backend(name):
            laid = lay("holes", ragged)
            (grad,) = torch.autograd.grad(VERBS[verb](laid.view(), laid.rows()), ragged[0], laid_out)
            return grad

    ragged = leaves([4, 2, 1])
    with torch.no_grad():
        shape = VERBS[verb](lay("holes", ragged).view(), lay("holes", ragged).rows()).shape
    laid_out = torch.randn(shape[::-1]).double().t() if form == "column-major" else torch.randn(1, 1).double()
    laid_out = laid_out.expand(shape)
    torch.testing.assert_close(gradient("triton"), gradient("reference"))


@every_verb
def test_features_may_lie_further_apart_than_32_bits_count(verb: str, tmp_path: Path) -> None:
    """In a sparse file, of which only the pages of the rows exist; 32 bits would count back to a page before them."""
    file = torch.from_file(str(tmp_path / "rows"), shared=True, size=2**32 + 8, dtype=torch.float16)
    near = torch.randn(1, 2, 3).half().requires_grad_()
    far = file.as_strided((1, 2, 3), (2, 1, 2**30), 2**31).copy_(near.detach()).requires_grad_()
    for mine, theirs in zip(values_and_gradient(verb, far), values_and_gradient(verb, near), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=0)


def values_and_gradient(verb: str, rows: Tensor) -> tuple[Tensor, Tensor]:
    with ops.backend("triton"):
        values = VERBS[verb](seqpool.view(rows, lengths=[2]), rows)
        (gradient,) = torch.autograd.grad(values.square().sum(), [rows])
        return values.detach(), gradient


@jit  # type: ignore[untyped-decorator]  # Triton types the arguments at compile time
def owner_kernel(  # type: ignore[no-untyped-def]  # as above
    sequences, places, reals, start, lengths, first, rows, size,
    TIME: tl.constexpr, STEPS: tl.constexpr,  # noqa: N803  # fixed there
):  # fmt: skip  # one line a role
    """What the address formula says of one tile's rows."""
    sequence, at, real = owner(
        tl.cast(first, tl.int64), rows, size, start, lengths, None, None, None, 0, 0, TIME, False, False, STEPS
    )
    step = tl.arange(0, STEPS)
    tl.store(sequences + step, sequence)
    tl.store(places + step, at)
    tl.store(reals + step, real)


@pytest.mark.parametrize("time", [0, 1])
def test_rows_beyond_the_count_of_32_bits_know_their_sequence(time: int) -> None:
    """By arithmetic on Python's integers, which have no end."""
    batch, steps = 9, 2**30 - 1
    start, lengths = torch.full((batch,), 3), torch.full((batch,), steps - 5)
    rows, size = batch * steps, steps if time == 1 else batch
    first = 8 * steps - 4  # the last rows of one sequence, or of one step, and the first of the next
    sequences, places, reals = (torch.full((16,), -1) for _ in range(3))
    owner_kernel[(1,)](sequences, places, reals, start, lengths, first, rows, size, TIME=time, STEPS=16)
    for step, row in enumerate(range(first, first + 16)):
        sequence, at = divmod(row, size) if time == 1 else divmod(row, size)[::-1]
        assert [sequences[step], places[step], reals[step]] == [sequence, at, 3 <= at < steps - 2]
