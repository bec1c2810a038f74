"""Final states of a recurrent network: how `h_n` is ordered, and whether it belongs to the rows."""

import torch
from torch import Tensor

from seqpool.layout.host import on_host
from seqpool.layout.sequences import Sequences

# What torch.testing.assert_close allows, as (rtol, atol).
_TOLERANCE = {
    torch.float16: (1e-3, 1e-5),
    torch.bfloat16: (1.6e-2, 1e-5),
    torch.float32: (1.3e-6, 1e-5),
    torch.float64: (1e-7, 1e-7),
}


def unstack_h_n(h_n: Tensor, bidirectional: bool = True) -> Tensor:
    r"""Split the stacked final states of a recurrent network by layer and direction.

    .. math:: h[l, d] = h\_n[l \cdot dirs + d]

    Source: the layout of `h_n` in `torch.nn.LSTM` (https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTM.html).

    Args:
        h_n: final states as `nn.RNN`, `nn.LSTM` and `nn.GRU` return them, whatever `batch_first` says.
        bidirectional: whether the network reads both ways.

    Shape:
        `(L*dirs, B, H)` -> `(L, dirs, B, H)`; direction 0 is forward, 1 backward.

    Raises:
        ValueError: `h_n` has not three dimensions, or an odd number of states for a bidirectional network.

    Example:
        >>> rnn = torch.nn.GRU(3, 5, num_layers=2, bidirectional=True)
        >>> output, h_n = rnn(torch.zeros(7, 4, 3))
        >>> unstack_h_n(h_n).shape
        torch.Size([2, 2, 4, 5])
    """
    directions = 2 if bidirectional else 1
    if h_n.dim() != 3 or h_n.shape[0] % directions:
        raise ValueError(
            f"h_n must have shape (L*{directions}, B, H), {tuple(h_n.shape)} came: "
            "pass h_n as the RNN returned it, and bidirectional as the RNN was built"
        )
    return h_n.reshape(h_n.shape[0] // directions, directions, *h_n.shape[1:])


def is_bidirectional(seq: Sequences) -> bool:
    """Whether `h_n`, half as wide as the rows, shows a bidirectional network."""
    return seq.h_n is not None and seq.h_n.shape[2] != seq.features


def split_states(h_n: object) -> tuple[Tensor | None, Tensor | None]:
    """`h_n` and `c_n` from what an RNN returned as its second value."""
    if h_n is None or isinstance(h_n, Tensor):
        return h_n, None
    if isinstance(h_n, (tuple, list)) and len(h_n) == 2 and all(isinstance(state, Tensor) for state in h_n):
        return h_n[0], h_n[1]
    size = f" of {len(h_n)}" if isinstance(h_n, (tuple, list)) else ""
    raise TypeError(
        f"h_n must be a Tensor or the LSTM's (h_n, c_n), a {type(h_n).__name__}{size} came: "
        "pass it as the RNN returned it"
    )


def attach_states(seq: Sequences, h_n: Tensor | None, c_n: Tensor | None) -> Sequences:
    """Carry `h_n` and `c_n` after checking that they belong to the rows."""
    if h_n is None:
        return seq
    _check_shapes(seq, h_n, c_n)
    seq = seq.with_states(h_n, c_n, None)
    # Packing already made h_n right, and reading the rows to confirm it would cost what h_n saves.
    return confirm_states(seq) if is_bidirectional(seq) and seq.hops is None else seq


def confirm_states(seq: Sequences) -> Sequences:
    """Refuse an `h_n` whose last layer is not the rows' own ends, or mark its sequences where that needs a wait."""
    if seq.h_n is None or seq.hops is not None or 0 in seq.values.shape:
        return seq
    wrong = _disagreement(seq, seq.h_n).detach()
    if not on_host(wrong):
        return seq.with_states(seq.h_n, seq.c_n, wrong)
    if bool(wrong.any()):
        named = wrong.nonzero().flatten().tolist()
        raise ValueError(
            f"h_n must agree with output at each sequence's own ends; it does not for {len(named)} of {seq.batch} "
            f"sequences (first: {named[:5]}): the RNN ran over padding, or output was changed after it. "
            "Pack the input (pack_padded_sequence) or use seqpool.RNNEncoder; "
            "if output was changed on purpose, drop h_n"
        )
    return seq


def _disagreement(seq: Sequences, h_n: Tensor) -> Tensor:
    states = h_n.to(seq.values.dtype)
    width = h_n.shape[2]
    last = seq.values[seq.at(seq.last())]
    if width == seq.features:
        same = _close(last, states[-1])
    else:
        first = seq.values[seq.at(torch.zeros_like(seq.lengths))]
        same = _close(last[:, :width], states[-2]) & _close(first[:, width:], states[-1])
    return (seq.lengths > 0) & ~same


def _close(rows: Tensor, states: Tensor) -> Tensor:
    rtol, atol = _TOLERANCE[rows.dtype]
    # Spelled out, since vmap has no rule for torch.isclose.
    near = (rows - states).abs() <= atol + rtol * states.abs()
    return (near | (rows == states) | (rows.isnan() & states.isnan())).all(1)


def _check_shapes(seq: Sequences, h_n: Tensor, c_n: Tensor | None) -> None:
    shape = tuple(h_n.shape)
    if h_n.dim() != 3:
        raise ValueError(f"h_n must have shape (L*dirs, B, H), {shape} came: pass it as the RNN returned it")
    if h_n.shape[1] != seq.batch:
        raise ValueError(
            f"h_n must hold the output's batch of {seq.batch}, a batch of {h_n.shape[1]} came (shape {shape}): "
            "a time-major output needs batch_first=False"
        )
    if seq.features not in (h_n.shape[2], 2 * h_n.shape[2]):
        raise ValueError(
            f"h_n must be as wide as output ({seq.features}), or half as wide from a bidirectional RNN; "
            f"width {h_n.shape[2]} came: output was changed after the RNN, drop h_n"
        )
    if seq.features != h_n.shape[2] and h_n.shape[0] % 2:
        raise ValueError(
            f"h_n of a bidirectional RNN holds two states a layer, {h_n.shape[0]} came (shape {shape}): "
            "pass it as the RNN returned it"
        )
    if c_n is not None and (c_n.dim() != 3 or c_n.shape[:2] != h_n.shape[:2]):
        raise ValueError(
            f"c_n must have h_n's layers and batch {shape[:2]}, shape {tuple(c_n.shape)} came: "
            "pass it as the LSTM returned it"
        )
