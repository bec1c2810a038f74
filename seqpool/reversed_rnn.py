"""A recurrent network over padded rows, one direction at a time: what packing gives, without packing."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import final

import torch
from torch import _VF, Tensor, nn
from torch.nn import functional as F

from seqpool.layout import Sequences, on_host

_KERNELS: dict[str, Callable[..., tuple[Tensor, ...]]] = {
    "RNN_TANH": _VF.rnn_tanh,
    "RNN_RELU": _VF.rnn_relu,
    "LSTM": _VF.lstm,
    "GRU": _VF.gru,
}

# A sigmoid of it is exactly 1, of its negative exactly 0, in every dtype; float16 can hold it.
_SATURATED = 1e4


def run_reversed(
    rnn: nn.RNNBase, x: Tensor, lengths: Tensor, hx: tuple[Tensor, ...], *, cells: bool
) -> tuple[Tensor, Tensor, Tensor | None]:
    r"""Run `rnn` over padded rows so that no real step sees padding.

    The forward direction meets padding only after a sequence's last step. The backward direction reads each sequence
    reversed in place, :math:`x'_t = x_{n-1-t}` for :math:`t < n`, so that its padding comes last, too.

    Source: this library.

    Args:
        rnn: `nn.RNN`, `nn.LSTM` or `nn.GRU`; its own weights are read.
        x: padded input in the layout of `rnn.batch_first`, finite on padding, T >= 1.
        lengths: real steps of each sequence, on the device of `x`.
        hx: the initial states, `(h_0,)` or the LSTM's `(h_0, c_0)`.
        cells: whether to give an LSTM's `c_n` as well.

    Shape:
        x `(B, T, D)` or `(T, B, D)`; lengths `(B,)`; h_0 `(L*dirs, B, H)`.

    Returns:
        `output` (meaningless on padding), `h_n` and `c_n` (`None` where not asked for), as the packed run gives them.
    """
    steps = _address(rnn, x, lengths)
    weights: list[list[Tensor]] = [list(layer) for layer in rnn.all_weights]
    # Through padding a cell goes on changing, and a rectified state can grow until 0 * inf is in the gradient.
    hold = steps.padding.unsqueeze(2).to(x.dtype) if cells or rnn.mode == "RNN_RELU" else None
    finals: list[Tensor] = []
    memories: list[Tensor] = []
    for layer in range(rnn.num_layers):
        if layer:
            x = F.dropout(x, rnn.dropout, rnn.training)
        if torch.compiler.is_dynamo_compiling() and torch.is_grad_enabled():
            x = _differentiable(x, steps.padding, weights)
        halves: list[Tensor] = []
        for backward in range(2 if rnn.bidirectional else 1):
            slot = len(finals)
            start = tuple(state[slot : slot + 1] for state in hx)
            inputs = pick_steps(x, steps.mirror, steps.time) if backward else x
            half, *states = _one_direction(rnn, weights[slot], inputs, start, hold)
            finals.append(pick_steps(half, steps.last, steps.time).squeeze(steps.time))
            # Exported by torch 2.11, the cell comes with an axis too many.
            memories.extend(state.reshape(start[1].shape) for state in states[1:])
            halves.append(pick_steps(half, steps.mirror, steps.time) if backward else half)
        x = torch.cat(halves, 2) if rnn.bidirectional else halves[0]
    return x, torch.stack(finals), torch.cat(memories) if cells else None


def check_graph(rnn: nn.RNNBase, x: Tensor) -> None:
    """Refuse what no graph can hold of a network over padded `x`, and name what works instead."""
    to_onnx = _to_onnx()
    if rnn.proj_size and to_onnx:
        raise ValueError(
            f"ONNX needs an LSTM without projection, proj_size={rnn.proj_size} came: "
            "deploy it with torch.export or AOTInductor, or train one without proj_size"
        )
    steps = x.shape[1 if rnn.batch_first else 0]
    loops = to_onnx and rnn.mode in ("LSTM", "GRU")
    if torch.compiler.is_exporting() and isinstance(steps, torch.SymInt) and not loops:
        raise ValueError(
            f"an exported {rnn.mode} needs one number of steps T, a dynamic T came: make T static and pad to it, since "
            "padding changes nothing, or keep T open with torch.onnx.export(dynamo=False) or torch.compile"
        )


@torch.compiler.assume_constant_result  # type: ignore[untyped-decorator]  # torch leaves it untyped
def _to_onnx() -> bool:
    # Asked outright: Dynamo, which the ONNX exporter tries second, would take the answer to be no.
    return torch.onnx.is_in_onnx_export()


def real_rows(seq: Sequences, time: int) -> Tensor:
    """The real steps of a padded view moved to the front, zeros behind them; at least one step."""
    x = seq.values
    if x.shape[time] == 0:
        return F.pad(x, (0, 0, 0, 1) if time == 1 else (0, 0, 0, 0, 0, 1))
    step = torch.arange(x.shape[time], device=x.device).unsqueeze(1 - time)
    if seq.keep is not None:
        x = pick_steps(x, _kept_steps(seq.keep, step, time), time)
    if seq.full:
        return x
    return torch.where((step < seq.count.unsqueeze(time)).unsqueeze(2), x, 0)


def _kept_steps(keep: Tensor, step: Tensor, time: int) -> Tensor:
    """Where the k-th kept step lies, shaped like `keep`; any step behind the last."""
    steps = keep.shape[time]
    # Dropped steps all go to one place behind the end.
    place = torch.where(keep, keep.long().cumsum(time) - 1, steps)
    kept = torch.zeros_like(torch.cat([place, place.narrow(time, 0, 1)], time))
    return kept.scatter(time, place, step.expand_as(place)).narrow(time, 0, steps)


def pick_steps(rows: Tensor, step: Tensor, time: int) -> Tensor:
    """Each sequence's own choice of steps: `step` is `(B, K)` for `time` 1, `(K, B)` for `time` 0."""
    return rows.gather(time, step.unsqueeze(2).expand(-1, -1, rows.shape[2]))


@contextmanager
def quietly(rnn: nn.RNNBase, x: Tensor) -> Iterator[None]:
    """Run a projected LSTM over padded rows without PyTorch's warning that oneDNN has no projection."""
    if not (rnn.proj_size and on_host(x)):
        yield
        return
    # torch.backends.mkldnn.flags would warn about TF32 as it restores what it found.
    enabled = torch._C._get_mkldnn_enabled()
    torch._C._set_mkldnn_enabled(False)
    try:
        yield
    finally:
        torch._C._set_mkldnn_enabled(enabled)


@final
@dataclass(frozen=True)
class _Steps:
    """Where each sequence's steps lie, as `(B, T)` or `(T, B)` indices along the step axis."""

    time: int
    padding: Tensor
    mirror: Tensor
    last: Tensor


def _address(rnn: nn.RNNBase, x: Tensor, lengths: Tensor) -> _Steps:
    time = 1 if rnn.batch_first else 0
    step = torch.arange(x.shape[time], device=x.device).unsqueeze(1 - time)
    length = lengths.unsqueeze(time)
    padding = step >= length
    return _Steps(time, padding, torch.where(padding, step, length - 1 - step), (length - 1).clamp(min=0))


def _differentiable(x: Tensor, padding: Tensor, weights: list[list[Tensor]]) -> Tensor:
    """Rows that have a gradient where a weight has one, zero though it is."""
    # Over rows without, the compiler takes oneDNN's LSTM, which it cannot differentiate.
    learning = [weight for direction in weights for weight in direction if weight.requires_grad]
    if x.requires_grad or not learning:
        return x
    return torch.where(padding.unsqueeze(2), learning[0].flatten()[0], x)


def _one_direction(
    rnn: nn.RNNBase, weights: list[Tensor], x: Tensor, start: tuple[Tensor, ...], hold: Tensor | None
) -> tuple[Tensor, ...]:
    """One layer in one direction, first row to last, with the module's own weights: rows, then final states."""
    weight, *others = weights
    if hold is not None:
        x, weight = torch.cat([x, hold], 2), torch.cat([weight, _hold_column(rnn, weight)], 1)
    hx = start if rnn.mode == "LSTM" else start[0]
    with quietly(rnn, x):
        return _KERNELS[rnn.mode](x, hx, [weight, *others], rnn.bias, 1, 0.0, rnn.training, False, rnn.batch_first)


def _hold_column(rnn: nn.RNNBase, weight: Tensor) -> Tensor:
    """Input weights of a feature that is 1 on padding: they keep an LSTM's cell as it is, and rectify a state to 0."""
    hidden = rnn.hidden_size
    if rnn.mode != "LSTM":
        return weight.new_full((hidden, 1), torch.finfo(weight.dtype).min / 2)
    gates = (-_SATURATED, _SATURATED, 0.0, 0.0)  # input, forget, cell, output
    return torch.cat([weight.new_full((hidden, 1), gate) for gate in gates])
