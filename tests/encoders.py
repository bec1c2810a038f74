"""Recurrent encoders for tests, on either route, and the definition that they are held to."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_sequence

from seqpool.rnn import RNNEncoder
from seqpool.routes import Route

D, H, P = 4, 5, 3
NAN = float("nan")
KINDS: dict[str, Callable[..., nn.RNNBase]] = {
    "rnn": nn.RNN,
    "rnn_relu": lambda *sizes, **options: nn.RNN(*sizes, nonlinearity="relu", **options),
    "lstm": nn.LSTM,
    "gru": nn.GRU,
    "lstm_proj": lambda *sizes, **options: nn.LSTM(*sizes, proj_size=P, **options),
}

both_routes = pytest.mark.parametrize("route", ["module", "reversed", "groups"])


@contextmanager
def on(route: str) -> Iterator[None]:
    """Take one route, whatever would be faster; groups of two."""
    with patch("seqpool.rnn.choose_route", return_value=Route[route.upper()]), patch("seqpool.grouped_rnn.GROUP", 2):
        yield


def run(route: str, encoder: RNNEncoder, *args: Any, **given: Any) -> Tensor:
    """Encode on one route."""
    with on(route):
        pooled: Tensor = encoder(*args, **given)
    return pooled


def build(
    kind: str, layers: int = 2, bidirectional: bool = True, batch_first: bool = True, **options: Any
) -> nn.RNNBase:
    rnn = KINDS[kind](D, H, num_layers=layers, bidirectional=bidirectional, batch_first=batch_first, **options)
    with torch.no_grad():
        for weight in rnn.parameters():
            weight.mul_(1.5)  # states that matter a few steps later
    return rnn


def initial(rnn: nn.RNNBase, batch: int) -> tuple[Tensor, ...]:
    rows = rnn.num_layers * (2 if rnn.bidirectional else 1)
    widths = (rnn.proj_size or H, H) if rnn.mode == "LSTM" else (H,)
    dtype = next(rnn.parameters()).dtype
    return tuple(torch.randn(rows, batch, width, dtype=dtype, requires_grad=True) for width in widths)


def inputs(lengths: list[int], batch_first: bool = True, steps: int = 8, dtype: torch.dtype = torch.float32) -> Tensor:
    """Random steps with NaN behind each sequence."""
    x = torch.full((len(lengths), steps, D), NAN, dtype=dtype)
    for b, n in enumerate(lengths):
        x[b, :n] = torch.randn(n, D, dtype=dtype)
    return (x if batch_first else x.transpose(0, 1).contiguous()).requires_grad_()


def gradients(loss: Tensor, rnn: nn.Module, *tensors: Tensor) -> list[Tensor]:
    return list(torch.autograd.grad(loss, [*tensors, *rnn.parameters()], allow_unused=True, materialize_grads=True))


def one_by_one(encoder: RNNEncoder, sequences: list[Tensor], hx: tuple[Tensor, ...] | None = None) -> Tensor:
    """The definition: the network and the pooler on each sequence alone."""
    rnn, pooler, pooled = encoder.rnn, encoder.pooler, []
    for b, x in enumerate(sequences):
        if x.shape[0] == 0:
            pooled.append(x.new_zeros(encoder.out_features))
            continue
        start = None if hx is None else tuple(state[:, b : b + 1] for state in hx)
        # Packed even alone: PyTorch warns when a projected LSTM runs padded.
        packed, final = rnn(pack_sequence([x]), start if start is None or rnn.mode == "LSTM" else start[0])
        states = [state[:, 0] for state in (final if rnn.mode == "LSTM" else (final,))]
        named = dict(zip(("h_n", "c_n"), states, strict=False))
        pooled.append(pooler.one(packed.data, *(named[need] for need in pooler.needs)))
    return torch.stack(pooled)


def split(x: Tensor, lengths: list[int], batch_first: bool = True) -> list[Tensor]:
    rows = x if batch_first else x.transpose(0, 1)
    return [row[:n] for row, n in zip(rows, lengths, strict=True)]
