"""Refusals of the gate: what is no batch of sequences."""

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.utils.rnn import pack_sequence

import seqpool
from tests.refusal import Refusal

MEAN = seqpool.MaskedMeanPooler()
NEED = "output must be a Tensor (B, T, D), a PackedSequence, a jagged NestedTensor, (N, D) with offsets, or a view"


def refuse(output: object) -> None:
    seqpool.view(output)  # type: ignore[arg-type]  # that is the point


def jagged(*shapes: tuple[int, ...], dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.nested.nested_tensor([torch.zeros(shape, dtype=dtype) for shape in shapes], layout=torch.jagged)


KINDS = {
    "tuple": Refusal(
        lambda: MEAN((torch.zeros(2, 3, 4), torch.zeros(1, 2, 4))),
        TypeError, NEED, "a tuple of 2 came", "call pooler(*rnn(x))",
    ),
    "list": Refusal(lambda: refuse([torch.zeros(3, 4)]), TypeError, NEED, "a list of 1 came", "pad_sequence"),
    "array": Refusal(
        lambda: refuse(np.zeros((2, 3, 4))), TypeError, NEED, "a numpy.ndarray came", "torch.as_tensor makes a Tensor"
    ),
    "none": Refusal(lambda: refuse(None), TypeError, NEED, "NoneType came", "torch.as_tensor"),
    "text": Refusal(lambda: refuse("abc"), TypeError, NEED, "str came", "torch.as_tensor"),
    "one sequence": Refusal(
        lambda: MEAN(torch.zeros(7, 4)), ValueError, "need offsets (B + 1 numbers from 0 to 7)", "rows (7, 4)",
        "output.unsqueeze(0)",
    ),
    "rows with lengths alone": Refusal(
        lambda: MEAN(torch.zeros(7, 4), lengths=[3, 4]), ValueError, "need offsets", "(7, 4)", "give them"
    ),
    "one step": Refusal(
        lambda: refuse(torch.zeros(5)), ValueError, "3 dimensions, features last", "shape (5,) came", "unsqueeze"
    ),
    "heads": Refusal(
        lambda: refuse(torch.zeros(2, 3, 4, 5)), ValueError, "3 dimensions, features last", "shape (2, 3, 4, 5) came",
        "flatten",
    ),
    "packed scalars": Refusal(
        lambda: refuse(pack_sequence([torch.zeros(3), torch.zeros(1)])), ValueError, "2 dimensions, features last",
        "shape (4,) came", "unsqueeze",
    ),
    "jagged, features not last": Refusal(
        lambda: refuse(jagged((2, 3), (4, 3)).transpose(1, 2)), ValueError, "(B, jagged, D)",
        "3 dimensions came with the jagged one at 2", "transpose it so that features come last",
    ),
    "jagged scalars": Refusal(
        lambda: refuse(jagged((2,), (4,))), ValueError, "(B, jagged, D)", "2 dimensions came", "unsqueeze"
    ),
    "jagged heads": Refusal(
        lambda: refuse(jagged((2, 3, 5), (4, 3, 5))), ValueError, "(B, jagged, D)", "4 dimensions came", "flatten"
    ),
}  # fmt: skip  # a table


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_batch_of_sequences(kind: str) -> None:
    KINDS[kind].check()


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors is in prototype stage:UserWarning")
def test_a_strided_nested_tensor() -> None:
    strided = torch.nested.nested_tensor([torch.zeros(2, 3), torch.zeros(4, 3)], layout=torch.strided)
    Refusal(
        lambda: refuse(strided), ValueError, "a NestedTensor must be jagged", "a strided one came",
        "layout=torch.jagged",
    ).check()  # fmt: skip  # a table


DTYPES = [torch.int64, torch.int32, torch.uint8, torch.bool, torch.complex64, torch.complex128]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", ["padded", "time-major", "flat", "packed", "jagged"])
def test_rows_that_are_not_floating_point(layout: str, dtype: torch.dtype) -> None:
    calls = {
        "padded": lambda: MEAN(torch.zeros(2, 3, 4, dtype=dtype)),
        "time-major": lambda: MEAN(torch.zeros(2, 3, 4, dtype=dtype), batch_first=False),
        "flat": lambda: MEAN(torch.zeros(3, 4, dtype=dtype), offsets=[0, 3]),
        "packed": lambda: MEAN(pack_sequence([torch.zeros(3, 4, dtype=dtype)])),
        "jagged": lambda: MEAN(jagged((3, 4), (1, 4), dtype=dtype)),
    }
    Refusal(calls[layout], TypeError, "output must be floating point", f"{dtype} came", "convert it").check()


def test_token_ids_are_told_to_be_embedded() -> None:
    with pytest.raises(TypeError, match=r"torch\.int64 came: convert it, or embed token ids first"):
        MEAN(torch.ones(2, 3, 1, dtype=torch.int64))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_every_floating_dtype_is_taken(dtype: torch.dtype) -> None:
    assert MEAN(torch.ones(2, 3, 4, dtype=dtype)).dtype == dtype


@pytest.mark.parametrize("name", ["weights", "query"])
def test_what_a_pooler_has_no_use_for(name: str) -> None:
    Refusal(
        lambda: MEAN(torch.zeros(2, 3, 4), **{name: torch.zeros(2, 3)}), TypeError, "MaskedMeanPooler",
        f"no use for {name}", "leave it out",
    ).check()  # fmt: skip  # a table


@pytest.mark.parametrize("name", ["c_n", "padding_mask", "attention_mask"])
def test_what_no_pooler_knows(name: str) -> None:
    with pytest.raises(TypeError, match=f"unexpected keyword argument '{name}'"):
        MEAN(torch.zeros(2, 3, 4), **{name: torch.zeros(2, 3)})


@pytest.mark.parametrize("given", [{"lengths": [3, 1]}, {"mask": torch.ones(2, 3)}, {"offsets": [0, 3]}])
def test_a_view_has_its_steps(given: dict[str, Tensor]) -> None:
    (name,) = given
    seq = seqpool.view(torch.zeros(2, 3, 4))
    Refusal(lambda: MEAN(seq, **given), ValueError, "a view already says", f"{name} came", "drop it").check()


def test_a_view_has_its_states() -> None:
    seq = seqpool.view(torch.zeros(2, 3, 4))
    Refusal(lambda: MEAN(seq, torch.zeros(1, 2, 4)), ValueError, "a view", "h_n came", "seqpool.view").check()
