"""What RNNEncoder refuses, and how it says so."""

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence

import seqpool
from seqpool.rnn import RNNEncoder
from tests.encoders import D, H, both_routes, build, run


@both_routes
def test_a_pooler_for_one_direction_refuses_two(route: str) -> None:
    with pytest.raises(ValueError, match="needs a unidirectional RNN"):
        run(route, RNNEncoder(build("gru"), seqpool.LastHiddenPooler()), torch.randn(2, 4, D), [4, 2])


@pytest.mark.parametrize(
    ("x", "given", "error", "message"),
    [
        (torch.zeros(2, 3, D + 1), {}, ValueError, r"\(B, T, 4\), shape \(2, 3, 5\) came"),
        (torch.zeros(3, D), {}, ValueError, r"shape \(3, 4\) came: pad it, or unsqueeze"),
        (torch.zeros(2, 3, D).double(), {}, TypeError, r"dtype torch.float32, torch.float64 came: x.to"),
        ([[1.0]], {}, TypeError, "a list came: pad it"),
        (torch.zeros(2, 3, D), {"lengths": [4, 1]}, ValueError, "between 0 and T=3, 1 to 4 came"),
        (torch.zeros(2, 3, D), {"lengths": [3.0, 1.0]}, TypeError, "whole numbers"),
        (torch.zeros(2, 3, D), {"lengths": [3]}, ValueError, r"one length a sequence \(2\), 1 came"),
        (torch.zeros(2, 3, D), {"lengths": [3, 1], "mask": torch.ones(2, 3)}, ValueError, "lengths and mask came"),
        (torch.zeros(2, 3, D), {"mask": torch.ones(3, 2)}, ValueError, r"\(2, 3\), \(3, 2\) came"),
        (torch.zeros(2, 3, D), {"hx": torch.zeros(4, 3, H)}, ValueError, r"h_0 of shape \(4, 2, 5\); \(4, 3, 5\) came"),
    ],
)
def test_what_cannot_be_right_is_refused(x: Any, given: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        RNNEncoder(build("gru"), seqpool.BiConcatPooler())(x, **given)


def test_packed_input_and_foreign_modules_are_refused() -> None:
    encoder = RNNEncoder(build("gru"), seqpool.BiConcatPooler())
    packed = pack_padded_sequence(pad_sequence([torch.randn(2, D)], batch_first=True), [2], batch_first=True)
    with pytest.raises(TypeError, match=r"PackedSequence came: pooler\(\*rnn\(packed\)\)"):
        encoder(packed)
    with pytest.raises(TypeError, match=r"nn.GRU, a Linear came"):
        RNNEncoder(nn.Linear(2, 2), seqpool.BiConcatPooler())  # type: ignore[arg-type]  # refused
    with pytest.raises(TypeError, match="seqpool Pooler, a Identity came"):
        RNNEncoder(nn.GRU(2, 2), nn.Identity())  # type: ignore[arg-type]  # refused
