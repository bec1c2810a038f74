"""Refusals of the gate: lengths, masks and offsets that do not fit the output."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.utils.rnn import pack_sequence

import seqpool
from tests.refusal import Refusal

X = torch.zeros(2, 3, 4)
ROWS = torch.zeros(5, 4)
MINUS_INF, NAN = float("-inf"), float("nan")


def given(output: Any = X, **steps: Any) -> None:
    seqpool.view(output, **steps)


def wrong(error: type[Exception], needed: str, came: str, cure: str, output: Any = X, **steps: Any) -> Refusal:
    return Refusal(lambda: given(output, **steps), error, needed, came, cure)


WHOLE = "lengths must be whole numbers"
LENGTHS = {
    "relative": wrong(TypeError, WHOLE, "torch.float32 came", "times T", lengths=torch.tensor([1.0, 0.3])),
    "relative list": wrong(TypeError, WHOLE, "[1.0, 0.3] came", "times T", lengths=[1.0, 0.3]),
    "whole floats": wrong(TypeError, WHOLE, "torch.float64 came", "times T", lengths=torch.tensor([3.0, 1.0]).double()),
    "bool": wrong(TypeError, WHOLE, "torch.bool came", "times T", lengths=torch.tensor([True, False])),
    "bool list": wrong(TypeError, WHOLE, "[True, False] came", "times T", lengths=[True, False]),
    "complex": wrong(TypeError, WHOLE, "torch.complex64 came", "times T", lengths=torch.tensor([3 + 0j, 1])),
    "text": wrong(TypeError, "integer tensor or a list", "a str came", "torch.as_tensor", lengths="31"),
    "number": wrong(TypeError, "integer tensor or a list", "a int came", "torch.as_tensor", lengths=3),
    "too long": wrong(ValueError, "between 0 and T=3", "1 to 4 came", "cut the lengths", lengths=[4, 1]),
    "too long, time-major": wrong(
        ValueError, "between 0 and T=2", "1 to 3 came", "check batch_first",
        output=torch.zeros(2, 3, 4), batch_first=False, lengths=[2, 3, 1],
    ),
    "negative": wrong(ValueError, "between 0 and T=3", "-1 to 3 came", "check batch_first", lengths=[3, -1]),
    "one short": wrong(ValueError, "one length a sequence (2)", "1 came", "check batch_first", lengths=[3]),
    "time-major": wrong(ValueError, "one length a sequence (2)", "3 came", "batch_first=False", lengths=[2, 2, 1]),
    "two axes": wrong(ValueError, "one dimension", "shape (2, 1) came", "flatten", lengths=torch.tensor([[3], [1]])),
    "a scalar": wrong(ValueError, "one dimension", "shape () came", "flatten", lengths=torch.tensor(3)),
}  # fmt: skip  # a table

SHAPE = "mask must have shape (B, T) = (2, 3)"
BINARY = "mask must be bool or 0/1 with 1 = a real step"
MASKS = {
    "narrow": wrong(ValueError, SHAPE, "(2, 2) came", "whatever batch_first says", mask=torch.ones(2, 2)),
    "(T, B)": wrong(ValueError, SHAPE, "(3, 2) came", "(B, T) whatever batch_first says", mask=torch.ones(3, 2)),
    "(T, B), time-major": wrong(
        ValueError, SHAPE, "(3, 2) came", "(B, T) whatever batch_first says",
        output=torch.zeros(3, 2, 4), batch_first=False, mask=torch.ones(3, 2),
    ),
    "(B, T, 1)": wrong(ValueError, SHAPE, "(2, 3, 1) came", "one entry a step", mask=torch.ones(2, 3, 1)),
    "(B, 1, 1, T)": wrong(ValueError, SHAPE, "(2, 1, 1, 3) came", "one entry a step", mask=torch.ones(2, 1, 1, 3)),
    "(T,)": wrong(ValueError, SHAPE, "(3,) came", "one entry a step", mask=torch.ones(3)),
    "additive": wrong(
        ValueError, BINARY, "values from -inf to 0.0 came", "`mask == 0`", mask=torch.tensor([[0.0, 0, MINUS_INF]] * 2)
    ),
    "additive, finite": wrong(
        ValueError, BINARY, "values from -10000.0 to 0.0 came", "an additive mask",
        mask=torch.tensor([[0.0, 0, -1e4]] * 2),
    ),
    "key padding": wrong(
        ValueError, BINARY, "values from 0 to 255 came", "a key_padding_mask (True = padding) is `~mask`",
        mask=torch.tensor([[0, 0, 255]] * 2),
    ),
    "segments": wrong(ValueError, BINARY, "values from 0 to 2 came", "`mask == 0`", mask=torch.tensor([[1, 2, 0]] * 2)),
    "half": wrong(ValueError, BINARY, "values from 0.0 to 1.0 came", "`~mask`", mask=torch.tensor([[1, 0.5, 0]] * 2)),
    "NaN": wrong(ValueError, BINARY, "values from nan to nan", "`~mask`", mask=torch.tensor([[1.0, NAN, 0]] * 2)),
    "complex": wrong(TypeError, "mask must be bool or 0/1", "complex64", "a real step", mask=torch.ones(2, 3) + 0j),
    "list": wrong(TypeError, "mask must be a Tensor (B, T)", "a list came", "torch.as_tensor", mask=[[1, 1, 0]] * 2),
}  # fmt: skip  # a table

WHOLE_OFFSETS = "offsets must be whole numbers"
END = "must end at the number of rows 5"
OFFSETS = {
    "float": wrong(TypeError, WHOLE_OFFSETS, "torch.float32 came", "cumulate", ROWS, offsets=torch.tensor([0.0, 5])),
    "empty": wrong(ValueError, "B + 1 numbers", "none came", "the last the number of rows", ROWS, offsets=[]),
    "late": wrong(ValueError, "must start at 0", "2 came", "prepend a 0", ROWS, offsets=[2, 5]),
    "lengths": wrong(ValueError, "must start at 0", "2 came", "cumulated lengths", ROWS, offsets=[2, 3]),
    "short": wrong(ValueError, END, "4 came", "append the end", ROWS, offsets=[0, 4]),
    "long": wrong(ValueError, END, "6 came", "the end", ROWS, offsets=[0, 6]),
    "starts only": wrong(ValueError, END, "2 came", "append the end", ROWS, offsets=[0, 2]),
    "back": wrong(ValueError, "must not decrease", "[0, 4, 2, 5] came", "cumulate", ROWS, offsets=[0, 4, 2, 5]),
    "two axes": wrong(ValueError, "one dimension", "(1, 2) came", "flatten", ROWS, offsets=torch.tensor([[0, 5]])),
    "padded": wrong(ValueError, "offsets go with rows (N, D)", "(2, 3, 4) came", "use lengths", X, offsets=[0, 2]),
}  # fmt: skip  # a table

PACKED = pack_sequence([torch.zeros(3, 4), torch.zeros(1, 4)])
JAGGED = torch.nested.nested_tensor([torch.zeros(3, 4), torch.zeros(1, 4)], layout=torch.jagged)
ONE = "give at most one of lengths, mask and offsets"
TWICE = {
    "lengths, mask": wrong(ValueError, ONE, "lengths and mask came", "keep one", lengths=[3, 1], mask=torch.ones(2, 3)),
    "mask, offsets": wrong(ValueError, ONE, "mask and offsets came", "keep one", mask=torch.ones(2, 3), offsets=[0, 2]),
    "flat": wrong(ValueError, "offsets already", "lengths came", "drop it", ROWS, offsets=[0, 5], lengths=[5]),
    "packed": wrong(ValueError, "a PackedSequence already says", "lengths came", "drop it", PACKED, lengths=[3, 1]),
    "packed, mask": wrong(ValueError, "a PackedSequence already", "mask came", "drop", PACKED, mask=torch.ones(2, 3)),
    "packed, offsets": wrong(ValueError, "a PackedSequence already", "offsets came", "drop", PACKED, offsets=[0, 4]),
    "jagged": wrong(ValueError, "a NestedTensor already says", "lengths came", "drop it", JAGGED, lengths=[3, 1]),
    "jagged, offsets": wrong(ValueError, "a NestedTensor already", "offsets came", "drop it", JAGGED, offsets=[0, 4]),
}

ALL = {
    f"{group}: {name}": refusal
    for group, refusals in {"lengths": LENGTHS, "mask": MASKS, "offsets": OFFSETS, "twice": TWICE}.items()
    for name, refusal in refusals.items()
}


@pytest.mark.parametrize("name", ALL)
def test_steps_that_do_not_fit(name: str) -> None:
    ALL[name].check()


def test_float_offsets_are_not_called_lengths() -> None:
    with pytest.raises(TypeError, match="offsets must be whole numbers") as caught:
        seqpool.view(ROWS, offsets=torch.tensor([0.0, 5.0]))
    assert "relative lengths" not in str(caught.value)


@pytest.mark.parametrize("pooler", [seqpool.MaskedMeanPooler(), seqpool.LastPooler(), seqpool.AttentionPooler(4)])
@pytest.mark.parametrize("name", ["lengths: too long", "mask: additive", "offsets: short", "twice: packed"])
def test_every_pooler_stands_behind_the_gate(pooler: seqpool.Pooler, name: str) -> None:
    steps: dict[str, tuple[Any, dict[str, Any]]] = {
        "lengths: too long": (X, {"lengths": [4, 1]}),
        "mask: additive": (X, {"mask": torch.tensor([[0.0, 0, MINUS_INF]] * 2)}),
        "offsets: short": (ROWS, {"offsets": [0, 4]}),
        "twice: packed": (PACKED, {"lengths": [3, 1]}),
    }
    output, keywords = steps[name]
    with pytest.raises(ValueError, match=r"lengths|mask|offsets"):
        pooler(output, **keywords)


def test_whole_numbers_in_a_list_are_whole_whoever_made_them() -> None:
    for lengths in (list(np.array([3, 1])), [torch.tensor(3), torch.tensor(1)], (3, 1)):
        assert seqpool.view(X, lengths=lengths).lengths.tolist() == [3, 1]  # type: ignore[arg-type]  # duck-typed


def test_a_right_mask_is_not_mistaken_for_a_wrong_one() -> None:
    mask: Tensor = torch.zeros(2, 3)
    assert seqpool.view(X, mask=mask).count.tolist() == [0, 0]
    assert seqpool.view(X, mask=mask + 1).count.tolist() == [3, 3]
