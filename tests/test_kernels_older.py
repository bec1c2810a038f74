"""Kernels under a Triton that is older than they were made for."""

import pytest
import torch

from seqpool.ops import triton as kernels
from seqpool.ops.triton import scored_tiles
from tests.test_kernels_scored import WIDTH, check, one
from tests.verb_cases import leaves


@pytest.mark.parametrize("batch", [None, 3], ids=["shared", "own"])
def test_rows_that_would_spill_are_read_twice(batch: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scored_tiles, "KEEPS_LINES", False)
    monkeypatch.setattr(kernels, "attend_by", None)
    check("right", leaves([5, 2, 1], width=WIDTH, dtype=torch.float32), one(WIDTH, torch.float32, batch))
