"""A recurrent encoder and its pooler as one module: padded rows in, one vector per sequence out."""

from contextlib import AbstractContextManager, nullcontext
from typing import final

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence

from seqpool.grouped_rnn import run_in_groups
from seqpool.layout import Integers, Sequences, States, in_graph, on_host, view
from seqpool.poolers.base import Pooler
from seqpool.reversed_rnn import check_graph, quietly, real_rows, run_reversed
from seqpool.routes import Route, choose_route


@final
class RNNEncoder(nn.Module):
    r"""Run a recurrent network over uneven sequences and pool what it returns.

    .. math:: y_b = pooler(rnn(x_{b,1}, \dots, x_{b,n_b}))

    Equal to packing, running and pooling. A mask's kept steps are moved together first, so padding may lie on either
    side and holes are skipped: the network never sees a step that does not count. The network runs packed or, where
    that is faster or packing is impossible (graphs, lengths on an accelerator), over padded rows: the backward
    direction's sequences reversed in place, and sequences of like length together. On the CPU it runs in the weights'
    dtype, under autocast too.

    Source: this library.

    Args:
        rnn: `nn.RNN`, `nn.LSTM` or `nn.GRU`.
        pooler: any pooler; its states come from `rnn`.

    Shape:
        x `(B, T, D)`, or `(T, B, D)` where `rnn.batch_first` is false; lengths `(B,)`; mask `(B, T)`;
        hx as `rnn` takes it -> `(B, out_features)`.

    Raises:
        TypeError: `rnn` or `pooler` is something else, or `x` is not a padded tensor in the weights' dtype.
        ValueError: lengths, mask or hx do not fit `x`.

    Example:
        >>> encoder = RNNEncoder(nn.GRU(3, 5, batch_first=True, bidirectional=True), BiConcatPooler())
        >>> encoder(torch.randn(4, 7, 3), lengths=[7, 0, 3, 5]).shape
        torch.Size([4, 10])
    """

    def __init__(self, rnn: nn.RNNBase, pooler: Pooler) -> None:
        super().__init__()
        if not isinstance(rnn, (nn.RNN, nn.LSTM, nn.GRU)):
            raise TypeError(f"rnn must be an nn.RNN, nn.LSTM or nn.GRU, a {type(rnn).__name__} came")
        if not isinstance(pooler, Pooler):
            raise TypeError(f"pooler must be a seqpool Pooler, a {type(pooler).__name__} came")
        self.rnn = rnn
        self.pooler = pooler

    @property
    def out_features(self) -> int:
        """Width F of the result."""
        width = self.rnn.proj_size or self.rnn.hidden_size
        return self.pooler.out_features(2 * width if self.rnn.bidirectional else width)

    def forward(
        self, x: Tensor, lengths: Integers | None = None, *, mask: Tensor | None = None, hx: States | None = None
    ) -> Tensor:
        """Encode and pool `x`, `(B, F)`."""
        _check_input(self.rnn, x)
        if in_graph():
            check_graph(self.rnn, x)
        seq = view(x, lengths=lengths, mask=mask, batch_first=self.rnn.batch_first)
        states = _initial_states(self.rnn, hx, x, seq.batch)
        known = _known_lengths(seq, lengths, mask)
        with _weights_precision(x.device):
            encoded = _encode(self.rnn, seq, states, known, cells="c_n" in self.pooler.needs)
        # An empty sequence cannot be packed: one step of zeros stood in for it.
        return torch.where((seq.count > 0).unsqueeze(1), self.pooler(encoded), 0)


def _encode(
    rnn: nn.RNNBase, seq: Sequences, hx: tuple[Tensor, ...], known: list[int] | None, *, cells: bool
) -> Sequences:
    """The network's output and final states over the real steps of `seq`."""
    time = 1 if rnn.batch_first else 0
    x = real_rows(seq, time).to(hx[0].dtype)
    route = Route.REVERSED
    if known:
        x = x.narrow(time, 0, max(1, *known))
        route = choose_route(rnn, x, sum(known) / (x.shape[0] * x.shape[1]))
        if route is Route.MODULE or _hooked(rnn):
            return _call(rnn, x, hx, known)
    if _hooked(rnn):
        raise ValueError(
            "rnn has forward hooks, which run where its lengths are on the host, outside graphs and with B >= 1: "
            "remove them (torch.nn.utils.parametrizations replaces the hooks of weight_norm), or give such lengths"
        )
    run = run_in_groups if route is Route.GROUPS else run_reversed
    output, h_n, c_n = run(rnn, x, seq.count, hx, cells=cells)
    return view(output, lengths=seq.count, batch_first=rnn.batch_first).with_states(h_n, c_n, None)


def _call(rnn: nn.RNNBase, x: Tensor, hx: tuple[Tensor, ...], known: list[int]) -> Sequences:
    """Call the module itself, packed where lengths differ."""
    time = 1 if rnn.batch_first else 0
    rows = x if min(known) == x.shape[time] else _pack(x, known, time)
    with quietly(rnn, x):
        output, states = rnn(rows, hx if rnn.mode == "LSTM" else hx[0])
    h_n, c_n = states if rnn.mode == "LSTM" else (states, None)
    return view(output, batch_first=rnn.batch_first).with_states(h_n, c_n, None)


def _pack(x: Tensor, known: list[int], time: int) -> PackedSequence:
    """Pack, an empty sequence as one step, without waiting for the device of `x`."""
    lengths, order = torch.tensor(known).clamp(min=1).sort(descending=True)
    order = order.to(x.device, non_blocking=True)
    packed = pack_padded_sequence(x.index_select(1 - time, order), lengths, batch_first=time == 1)
    return PackedSequence(packed.data, packed.batch_sizes, order)


def _hooked(rnn: nn.RNNBase) -> bool:
    return bool(rnn._forward_pre_hooks or rnn._forward_hooks or rnn._backward_hooks or rnn._backward_pre_hooks)


def _check_input(rnn: nn.RNNBase, x: Tensor) -> None:
    shape = f"{'(B, T' if rnn.batch_first else '(T, B'}, {rnn.input_size})"
    if not isinstance(x, Tensor):
        hint = "pooler(*rnn(packed)) needs no encoder" if isinstance(x, PackedSequence) else "pad it"
        raise TypeError(f"x must be a padded Tensor {shape}, a {type(x).__name__} came: {hint}")
    if x.is_nested or x.dim() != 3 or x.shape[2] != rnn.input_size:
        came = "a NestedTensor" if x.is_nested else f"shape {tuple(x.shape)}"
        raise ValueError(f"x must be a padded Tensor {shape}, {came} came: pad it, or unsqueeze a batch of one")
    dtype = next(rnn.parameters()).dtype
    if x.dtype != dtype and not torch.is_autocast_enabled(x.device.type):
        raise TypeError(f"x must have the weights' dtype {dtype}, {x.dtype} came: x.to({dtype}), or convert the rnn")


def _initial_states(rnn: nn.RNNBase, hx: States | None, x: Tensor, batch: int) -> tuple[Tensor, ...]:
    """`(h_0,)`, or the LSTM's `(h_0, c_0)`."""
    layers = rnn.num_layers * (2 if rnn.bidirectional else 1)
    shapes = [(layers, batch, rnn.proj_size or rnn.hidden_size)]
    if rnn.mode == "LSTM":
        shapes.append((layers, batch, rnn.hidden_size))
    dtype = next(rnn.parameters()).dtype
    if hx is None:
        # Made from x, so that vmap gives each sample its own: the kernels write to it in place.
        return tuple(x.new_zeros(shape, dtype=dtype) for shape in shapes)
    states = (hx,) if isinstance(hx, Tensor) else tuple(hx)
    came = [tuple(state.shape) for state in states]
    if came != shapes:
        names = "(h_0, c_0) of shapes" if rnn.mode == "LSTM" else "h_0 of shape"
        raise ValueError(f"hx must be {names} {', '.join(map(str, shapes))}; {', '.join(map(str, came))} came")
    return tuple(state.to(dtype) for state in states)


def _known_lengths(seq: Sequences, lengths: Integers | None, mask: Tensor | None) -> list[int] | None:
    """Steps of each sequence where Python may read them without waiting for a device; `None` elsewhere."""
    if in_graph():
        return None
    if mask is not None:
        given: Integers = mask.ne(0).sum(1)
    else:
        given = [seq.values.shape[seq.time or 0]] * seq.batch if lengths is None else lengths
    if not isinstance(given, Tensor):
        return list(given)
    return [int(n) for n in given.tolist()] if on_host(given) else None


def _weights_precision(device: torch.device) -> AbstractContextManager[object]:
    # Under autocast the routes would differ: oneDNN's LSTM runs in bfloat16, the packed one in float32.
    autocast = device.type == "cpu" and torch.is_autocast_enabled("cpu")
    return torch.autocast("cpu", enabled=False) if autocast else nullcontext()
