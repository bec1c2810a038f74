"""Gradients of a model at its steps."""

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from seqpool.analysis.opening import Model, asked, check_graph, check_states
from seqpool.analysis.rows import euclidean, real
from seqpool.layout import Integers, Sequences
from seqpool.ops import select


def gradient_saliency(model: Model, seq: Sequences, *, target: Integers | None = None) -> Tensor | PackedSequence:
    r"""Weigh each step by gradient times input.

    .. math:: w_{b,t} = \left| \sum_d x_{b,t,d} \frac{\partial s_b}{\partial x_{b,t,d}} \right|

    Source: Shrikumar et al. 2016, "Not Just a Black Box" (https://arxiv.org/abs/1605.01713); the sum over features and
    the absolute value make one weight a step, this library.

    Args:
        model: from the steps to scores, in evaluation mode; it closes over lengths or mask.
        seq: the steps, from `seqpool.view`.
        target: the class whose score is s; by default the best one of each sequence. None where `model` gives s itself.

    Shape:
        n steps of D features -> one weight a step, in the layout of the steps, exactly 0 on padding.

    Raises:
        TypeError, ValueError: the model gives no scores, or ones without a gradient; `target` does not fit them.

    Example:
        >>> x = torch.tensor([[[1.0], [-4.0], [9.0]]])
        >>> gradient_saliency(lambda x: MaskedMeanPooler()(x, lengths=[2]), view(x, lengths=[2]))
        tensor([[0.5000, 2.0000, 0.0000]])
    """
    gradient = _gradient(model, seq, target)
    products = select(seq, seq.values.detach() * gradient)
    return seq.wrap(products.sum(-1).abs())


def gradient_norms(model: Model, seq: Sequences, *, target: Integers | None = None) -> Tensor | PackedSequence:
    r"""Length of the gradient at each step.

    .. math:: g_{b,t} = \left\| \frac{\partial s_b}{\partial x_{b,t}} \right\|_2

    At an RNN's input this shows what reaches each word. At its `output` it shows the pooler alone, without the way
    back through the recurrence; for that see `hidden_gradient_norms`.

    Source: Simonyan et al. 2014, "Deep Inside Convolutional Networks" (https://arxiv.org/abs/1312.6034), for the
    gradient as saliency; its Euclidean norm by position, Maini et al. 2020 (https://arxiv.org/abs/2005.00159).

    Args:
        model: from the steps to scores, or to one loss a sequence (`reduction="none"`).
        seq: the steps, from `seqpool.view`.
        target: the class whose score is s; by default the best one of each sequence. None where `model` gives s itself.

    Shape:
        n steps of D features -> one norm a step, in the layout of the steps, exactly 0 on padding.

    Raises:
        TypeError, ValueError: the model gives no scores, or ones without a gradient; `target` does not fit them.

    Example:
        >>> x = torch.randn(1, 3, 4)
        >>> gradient_norms(lambda x: MaskedMeanPooler()(x, lengths=[2]), view(x, lengths=[2]))
        tensor([[0.5000, 0.5000, 0.0000]])
    """
    return seq.wrap(euclidean(_gradient(model, seq, target), -1))


def _gradient(model: Model, seq: Sequences, target: Integers | None) -> Tensor:
    """Gradient of each sequence's number in its own rows, exactly 0 on padding."""
    check_states(seq)
    rows = seq.values.detach().requires_grad_()
    # cuDNN's recurrent networks have no backward pass in evaluation mode.
    with torch.enable_grad(), torch.backends.cudnn.flags(enabled=False):
        score, _ = asked(seq, model(seq.wrap(rows)), target)
        check_graph(score)
        (gradient,) = torch.autograd.grad(score.sum(), rows, materialize_grads=True)
    return torch.where(real(seq).unsqueeze(-1), gradient, 0)
