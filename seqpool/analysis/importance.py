"""What a model's answer loses when words are taken away."""

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from seqpool.analysis.opening import Model, asked, check_states
from seqpool.analysis.rows import longest, real
from seqpool.layout import Integers, Sequences
from seqpool.ops import peak, spread
from seqpool.poolers.base import check_at_least_one


def word_importance(
    model: Model,
    seq: Sequences,
    *,
    replacement: Tensor | None = None,
    window: int = 1,
    target: Integers | None = None,
) -> Tensor | PackedSequence:
    r"""Weigh each step by how much the model's answer moves when its window of steps is replaced.

    .. math:: w_{b,t} = \frac{\delta_{b,i}}{\max_j \delta_{b,j}}, \quad
        \delta_{b,i} = | s_b(x \text{ with window } i \text{ replaced}) - s_b(x) |, \quad i = \lfloor t / k \rfloor

    One run of the model a window. All 0 where nothing moves the answer.

    Source: Maini et al. 2020, "Why and when should you pool? Analyzing Pooling in Recurrent Architectures"
    (https://arxiv.org/abs/2005.00159), word importance: s the loss, k = 5 on texts of 400 words or more, the unknown
    word in place of the window, then by position (`by_position`) and over texts. Their released code drops the words
    behind the last whole window and replaces padding, too; here neither happens.

    Args:
        model: from the steps to scores, or to one loss a sequence (`reduction="none"`), in evaluation mode.
        seq: the steps, from `seqpool.view`.
        replacement: what stands in for a step, such as the embedding of the unknown word; zeros by default.
        window: steps replaced at a time, k; windows do not overlap, the last may be shorter.
        target: the class whose score is s; by default the one best before. None where `model` gives s itself.

    Shape:
        n steps of D features, replacement `(D,)` -> one weight a step from 0 to 1, in the layout of the steps,
        exactly 0 on padding.

    Raises:
        TypeError, ValueError: the model gives no scores; `target` or `replacement` does not fit; `window` below 1.

    Example:
        >>> x = torch.tensor([[[1.0], [-4.0], [9.0]]])
        >>> word_importance(lambda x: MaskedSumPooler()(x, lengths=[2]), view(x, lengths=[2]))
        tensor([[0.2500, 1.0000, 0.0000]])
    """
    check_at_least_one("window", window, "replace one step or more at a time")
    check_states(seq)
    stand_in = seq.values.new_zeros(seq.features) if replacement is None else replacement.to(seq.values)
    if stand_in.shape != (seq.features,):
        raise ValueError(
            f"replacement must be one step ({seq.features},), shape {tuple(stand_in.shape)} came: give one vector"
        )
    valid, place = real(seq), seq.position() // window
    with torch.no_grad():
        before, index = asked(seq, model(seq.wrap(seq.values)), target)
        moved = torch.zeros(valid.shape, dtype=before.dtype, device=before.device)
        for number in range(-(-longest(seq) // window)):
            gone = valid & (place == number)
            rows = torch.where(gone.unsqueeze(-1), stand_in, seq.values)
            after, _ = asked(seq, model(seq.wrap(rows)), index)
            by = spread(seq, (after - before).abs().unsqueeze(1)).squeeze(-1)
            moved = torch.where(gone, by, moved)
        most = spread(seq, peak(seq, moved.unsqueeze(-1))).squeeze(-1)
        return seq.wrap(moved / torch.where(most == 0, 1, most))
