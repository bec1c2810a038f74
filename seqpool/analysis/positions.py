"""Numbers of the steps by position: buckets of relative position, and the ratio of ends to middle."""

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from seqpool.layout import Sequences, attach_extras
from seqpool.ops import gather, total
from seqpool.poolers.base import check_at_least_one


def by_position(seq: Sequences, numbers: Tensor | PackedSequence, *, buckets: int = 10) -> Tensor:
    r"""Average one number a step over buckets of relative position.

    Step t of n covers the share :math:`[t/n, (t+1)/n)` of its sequence; a bucket averages what it covers, by how much:

    .. math:: y_{b,j} = P \sum_t a_{b,t} \left| [\tfrac{t}{n}, \tfrac{t+1}{n}) \cap [\tfrac{j}{P}, \tfrac{j+1}{P})
        \right|

    So the mean over buckets is the mean over steps, at any n; a sequence shorter than P steps fills neighbours alike.

    Source: this library. Maini et al. 2020 (https://arxiv.org/abs/2005.00159) interpolate at 100 points instead, which
    reads 100 of a longer text's steps.

    Args:
        seq: the steps, from `seqpool.view`.
        numbers: one a step in their layout, as the other functions here give them.
        buckets: how many, P.

    Shape:
        n numbers -> P numbers; NaN for an empty sequence, which has no position (`nanmean` leaves it out).

    Raises:
        TypeError, ValueError: `numbers` is not one floating-point number a step, or `buckets` below 1.

    Example:
        >>> seq = view(torch.zeros(2, 4, 1), lengths=[4, 1])
        >>> by_position(seq, torch.tensor([[1.0, 3.0, 5.0, 7.0], [6.0, 9.0, 9.0, 9.0]]), buckets=2)
        tensor([[2., 6.],
                [6., 6.]])
    """
    check_at_least_one("buckets", buckets, "ask for one or more")
    rows = _rows(seq, numbers)
    # In units of 1/(n P) all bounds are whole numbers.
    step = (seq.position() * buckets).unsqueeze(-1)
    count = seq.count[seq.owner()].unsqueeze(-1)
    bucket = torch.arange(buckets, device=rows.device) * count
    shared = torch.minimum(step + buckets, bucket + count) - torch.maximum(step, bucket)
    share = shared.clamp(min=0).to(rows.dtype) / count.clamp(min=1)
    mean = total(seq, rows.unsqueeze(-1) * share)
    return torch.where((seq.count > 0).unsqueeze(1), mean, float("nan"))


def vanishing_ratio(seq: Sequences, norms: Tensor | PackedSequence) -> Tensor:
    r"""How much larger gradients are at the ends of the sequences than in their middle.

    .. math:: r = \frac{\sum_b (g_{b,1} + g_{b,n_b}) / 2}{\sum_b \bar g_{b,mid}}

    :math:`\bar g_{b,mid}` is the mean over the middle tenth of the sequence. 1 where every step gets the same; infinite
    where the middle gets nothing; NaN where nothing gets anything.

    Source: Maini et al. 2020, "Why and when should you pool? Analyzing Pooling in Recurrent Architectures"
    (https://arxiv.org/abs/2005.00159), end over middle, on the loss's gradient in the hidden states
    (`hidden_gradient_norms`). Their released code takes the first step alone for the end, or the sum of both ends, and
    counts padding as steps; here padding is none, and the end is the mean of both ends.

    Args:
        seq: the steps, from `seqpool.view`.
        norms: the gradient's norm at each step, from `gradient_norms` or `hidden_gradient_norms`.

    Shape:
        a batch -> one number, a 0-dimensional tensor; empty sequences are left out.

    Raises:
        TypeError, ValueError: `norms` is not one floating-point number a step.

    Example:
        >>> norms = torch.tensor([[8.0, 1.0, 0.5, 1.0, 4.0]])
        >>> vanishing_ratio(view(norms.unsqueeze(2)), norms)
        tensor(12.)
    """
    rows = _rows(seq, norms).unsqueeze(-1)
    ends = (gather(seq, rows, torch.zeros_like(seq.count)) + gather(seq, rows, seq.last())) / 2
    middle = by_position(seq, norms, buckets=20)[:, 9:11].mean(1)
    return ends.sum() / torch.where(seq.count > 0, middle, 0).sum()


def _rows(seq: Sequences, numbers: Tensor | PackedSequence) -> Tensor:
    return attach_extras(seq, numbers, None).need("weights", "a number a step")
