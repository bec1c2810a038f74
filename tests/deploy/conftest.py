"""Torch's exporters leave traces in the process; each test here starts as a fresh one does."""

import pytest
import torch


@pytest.fixture(autouse=True)
def _no_decomposition_is_left() -> None:
    """The ONNX exporter swaps the decompositions of LSTM and GRU, and torch keeps whichever it used first."""
    for operator in (torch.ops.aten.lstm.input, torch.ops.aten.gru.input):
        operator._dispatch_cache.clear()
