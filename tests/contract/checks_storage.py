"""The promise that a view moves no row."""

from collections.abc import Callable
from typing import Any

import torch

import seqpool
from tests.contract.batches import assemble
from tests.contract.checks import SMALL
from tests.contract.checks_attention import own_rows
from tests.contract.layouts import Layout
from tests.contract.running import fill, fitted


def check_copies_nothing(layout: Layout, view: Callable[..., Any] = seqpool.view) -> None:
    """The view's rows are the caller's own, in place."""
    batch = fitted(assemble([torch.randn(sum(SMALL), 4)], SMALL), layout)
    laid = layout.lay(batch.rows)
    output, given = laid.wrap(fill(batch.table, laid.ids), laid.index)
    rows = own_rows(output)
    seq = view(output, **given)
    assert seq.values.data_ptr() == rows.data_ptr(), "the view's rows were moved"
    assert seq.values.stride() == rows.stride()
    assert seq.values.untyped_storage().data_ptr() == rows.untyped_storage().data_ptr()
