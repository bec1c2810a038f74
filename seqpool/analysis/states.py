"""The loss's gradient in a recurrent network's hidden states, recurrence included."""

import torch
from torch import _VF, Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from seqpool.analysis.opening import Model, asked, check_graph
from seqpool.analysis.rows import euclidean, longest, to_layout
from seqpool.layout import Integers, Sequences, view
from seqpool.ops import gather
from seqpool.reversed_rnn import quietly


def hidden_gradient_norms(
    rnn: nn.RNNBase, model: Model, seq: Sequences, *, target: Integers | None = None
) -> Tensor | PackedSequence:
    r"""Length of the gradient in the last layer's hidden state at each step, both directions as one vector.

    .. math:: g_{b,t} = \left\| \frac{d s_b}{d h_{b,t}} \right\|_2, \quad
        h_t = [\overrightarrow h_t; \overleftarrow h_t]

    The whole derivative: through the output at step t and through every state that follows. The gradient in an RNN's
    `output` has the first way alone, and is 0 in the middle of a text that only its ends are read of. The network runs
    step by step with its own weights, no dropout between layers, from a state of zeros.

    Source: Maini et al. 2020, "Why and when should you pool? Analyzing Pooling in Recurrent Architectures"
    (https://arxiv.org/abs/2005.00159), the gradient that their vanishing ratio is of.

    Args:
        rnn: `nn.RNN`, `nn.LSTM` or `nn.GRU`.
        model: from the network's output, right-padded `(B, T, F)`, T the longest sequence, to scores or, as in the
            paper, one loss a sequence (`reduction="none"`): pooler and head.
        seq: the network's input, from `seqpool.view`.
        target: the class whose score is s; by default the best one of each sequence. None where `model` gives s itself.

    Shape:
        n steps of D features -> one norm a step, in the layout of the steps, exactly 0 on padding.

    Raises:
        TypeError, ValueError: `rnn` is none or of another width; the model gives no scores; `target` does not fit.

    Example:
        >>> rnn = nn.RNN(2, 3, batch_first=True)
        >>> with torch.no_grad(): _ = [weight.zero_() for weight in rnn.parameters()]
        >>> seq = view(torch.ones(1, 3, 2), lengths=[2])
        >>> hidden_gradient_norms(rnn, lambda h: MaskedSumPooler()(h, lengths=[2]), seq)
        tensor([[1., 1., 0.]])
    """
    if not isinstance(rnn, nn.RNN | nn.LSTM | nn.GRU):
        raise TypeError(f"rnn must be an nn.RNN, nn.LSTM or nn.GRU, a {type(rnn).__name__} came")
    if seq.features != rnn.input_size:
        raise ValueError(f"rnn takes steps of {rnn.input_size} features, {seq.features} came: give the network's input")
    if not longest(seq):
        return to_layout(seq, seq.values.new_zeros(seq.batch, 0))
    # cuDNN would have no backward pass in evaluation mode, and copy the weights at every step.
    with torch.enable_grad(), torch.backends.cudnn.flags(enabled=False), quietly(rnn, seq.values):
        output, states = _run(rnn, seq)
        score, _ = asked(seq, model(output.transpose(0, 1)), target)
        check_graph(score)
        flat = [state for direction in states for state in direction]
        gradients = torch.autograd.grad(score.sum(), flat, materialize_grads=True)
    each = torch.cat(gradients).reshape(len(states), -1, *gradients[0].shape[1:])
    halves = [_mirrored(seq, half) if backward else half for backward, half in enumerate(each)]
    return to_layout(seq, euclidean(torch.cat(halves, 2), 2).T)


def _run(rnn: nn.RNNBase, seq: Sequences) -> tuple[Tensor, list[list[Tensor]]]:
    """Output of the last layer, `(T, B, F)`, and its states `(1, B, H)` as each direction reads them."""
    below = seq
    directions = 2 if rnn.bidirectional else 1
    for layer in range(rnn.num_layers):
        weights = rnn.all_weights[layer * directions : (layer + 1) * directions]
        states = [_read(rnn, list(own), below, backward=bool(d)) for d, own in enumerate(weights)]
        halves = [torch.cat(half) for half in states]
        output = torch.cat([_mirrored(seq, half) if d else half for d, half in enumerate(halves)], 2)
        below = view(output, lengths=seq.count, batch_first=False)
    return output, states


def _read(rnn: nn.RNNBase, weights: list[Tensor], seq: Sequences, *, backward: bool) -> list[Tensor]:
    """States of one direction of one layer, one step at a time; those past a sequence's end mean nothing."""
    # Leaves of a graph even where weights and input are frozen.
    hidden = seq.values.new_zeros(1, seq.batch, rnn.proj_size or rnn.hidden_size, requires_grad=True)
    cell = seq.values.new_zeros(1, seq.batch, rnn.hidden_size)
    states: list[Tensor] = []
    kernel = getattr(_VF, rnn.mode.lower())
    for step in range(longest(seq)):
        past = seq.last() - step if backward else torch.full_like(seq.count, step)
        x = gather(seq, seq.values, torch.minimum(past.clamp(min=0), seq.last())).unsqueeze(0)
        hx = (hidden, cell) if rnn.mode == "LSTM" else hidden
        _, hidden, *cells = kernel(x, hx, weights, rnn.bias, 1, 0.0, rnn.training, False, False)
        cell = cells[0] if cells else cell
        states.append(hidden)
    return states


def _mirrored(seq: Sequences, half: Tensor) -> Tensor:
    """Each sequence's steps `(T, B, H)` the other way round, padding where it is."""
    step = torch.arange(half.shape[0], device=half.device).unsqueeze(1)
    other = torch.where(step < seq.count, seq.count - 1 - step, step)
    return half.gather(0, other.unsqueeze(2).expand_as(half))
