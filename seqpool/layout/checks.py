"""The refusals: what was needed, what came, and the cure."""

from collections.abc import Sequence
from typing import NoReturn

import torch
from torch import Tensor

from seqpool.layout.host import on_host

Integers = Tensor | Sequence[int]


def refuse_output(output: object) -> NoReturn:
    """Explain why `output` is not a batch of sequences."""
    need = "output must be a Tensor (B, T, D), a PackedSequence, a jagged NestedTensor, (N, D) with offsets, or a view"
    if isinstance(output, tuple):
        raise TypeError(f"{need}; a tuple of {len(output)} came: an RNN returns (output, h_n), call pooler(*rnn(x))")
    if isinstance(output, list):
        raise TypeError(f"{need}; a list of {len(output)} came: pad it (torch.nn.utils.rnn.pad_sequence) or pack it")
    raise TypeError(f"{need}; a {type(output).__module__}.{type(output).__name__} came: torch.as_tensor makes a Tensor")


def check_values(values: Tensor, dims: int) -> None:
    """Refuse rows that are not floating-point vectors."""
    if values.dim() != dims:
        cure = "unsqueeze what is missing" if values.dim() < dims else "flatten what is more than steps and features"
        raise ValueError(
            f"rows of this layout must have {dims} dimensions, features last; shape {_shape(values)} came: {cure}"
        )
    if not values.is_floating_point():
        raise TypeError(f"output must be floating point, {values.dtype} came: convert it, or embed token ids first")


def check_lone(kind: str, given: dict[str, object]) -> None:
    """Refuse a second description of where the steps are."""
    named = [name for name, value in given.items() if value is not None]
    if named:
        raise ValueError(f"{kind} already says which rows are steps; {' and '.join(named)} came as well: drop it")


def check_one_of(given: dict[str, object]) -> None:
    """Refuse two descriptions of where the steps are."""
    named = [name for name, value in given.items() if value is not None]
    if len(named) > 1:
        raise ValueError(f"give at most one of lengths, mask and offsets; {' and '.join(named)} came: keep one")


def integers(name: str, given: Integers, device: torch.device) -> Tensor:
    """An int64 vector on `device`, from a tensor or a list of whole numbers."""
    cure = "cumulate whole lengths" if name == "offsets" else "relative lengths times T give them"
    if isinstance(given, Tensor):
        vector = given
    elif isinstance(given, Sequence) and not isinstance(given, str):
        if not all(hasattr(n, "__index__") and not isinstance(n, bool) for n in given):
            raise TypeError(f"{name} must be whole numbers, {list(given)} came: {cure}")
        vector = torch.tensor([n.__index__() for n in given], dtype=torch.int64)
    else:
        raise TypeError(
            f"{name} must be an integer tensor or a list, a {type(given).__name__} came: torch.as_tensor it"
        )
    if vector.is_floating_point() or vector.is_complex() or vector.dtype == torch.bool:
        raise TypeError(f"{name} must be whole numbers, {vector.dtype} came: {cure}")
    if vector.dim() != 1:
        raise ValueError(
            f"{name} must have one dimension, shape {_shape(vector)} came: flatten it to one number a sequence"
        )
    # A copy to the host that does not wait would be read before it arrives.
    return vector.to(device, torch.int64, non_blocking=device.type != "cpu")


def check_lengths(lengths: Tensor, batch: int, steps: int) -> None:
    """Refuse lengths that no padded tensor of this shape can have."""
    if lengths.shape[0] != batch:
        raise ValueError(
            f"lengths must hold one length a sequence ({batch}), {lengths.shape[0]} came: "
            "check batch_first (time-major output needs batch_first=False)"
        )
    if on_host(lengths) and batch and not (int(lengths.min()) >= 0 and int(lengths.max()) <= steps):
        raise ValueError(
            f"lengths must be between 0 and T={steps}, {int(lengths.min())} to {int(lengths.max())} came: "
            "check batch_first, or cut the lengths where the steps were cut"
        )


def check_mask(mask: object, batch: int, steps: int) -> Tensor:
    """A bool mask, True = a real step, from a bool or 0/1 tensor of shape `(B, T)`."""
    if not isinstance(mask, Tensor):
        raise TypeError(f"mask must be a Tensor (B, T), a {type(mask).__name__} came: torch.as_tensor makes one")
    if mask.shape != (batch, steps):
        hint = "mask is (B, T) whatever batch_first says" if mask.dim() == 2 else "one entry a step"
        raise ValueError(f"mask must have shape (B, T) = ({batch}, {steps}), {_shape(mask)} came: {hint}")
    return zero_or_one(mask)


def zero_or_one(mask: Tensor) -> Tensor:
    """A bool mask, True = a real step, from a bool or 0/1 tensor of any shape."""
    if mask.dtype == torch.bool:
        return mask
    if mask.is_complex():
        raise TypeError(f"mask must be bool or 0/1, {mask.dtype} came: compare it, so that True = a real step")
    kept = mask != 0
    if on_host(mask) and bool((kept & (mask != 1)).any()):
        low, high = mask.min().item(), mask.max().item()
        raise ValueError(
            f"mask must be bool or 0/1 with 1 = a real step, values from {low} to {high} came: an additive mask is "
            "`mask == 0` here, a key_padding_mask (True = padding) is `~mask`"
        )
    return kept


def check_offsets(offsets: Tensor, rows: int) -> None:
    """Refuse offsets that do not cut `rows` rows into sequences."""
    if offsets.shape[0] == 0:
        raise ValueError("offsets must hold B + 1 numbers, none came: the first is 0, the last the number of rows")
    if not on_host(offsets):
        return
    if int(offsets[0]) != 0:
        raise ValueError(f"offsets must start at 0, {int(offsets[0])} came: prepend a 0 to cumulated lengths")
    if bool((offsets.diff() < 0).any()):
        raise ValueError(f"offsets must not decrease, {offsets.tolist()} came: cumulate the lengths")
    if int(offsets[-1]) != rows:
        raise ValueError(f"offsets must end at the number of rows {rows}, {int(offsets[-1])} came: append the end")


def _shape(tensor: Tensor) -> str:
    return str(tuple(tensor.shape))
