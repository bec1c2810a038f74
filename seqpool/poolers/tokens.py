"""Transformers: a token by its place, and masks that choose tokens by what they are or where they stand."""

from typing import final

import torch
from torch import Tensor

from seqpool.layout import Sequences, on_host, zero_or_one
from seqpool.ops import spread, total
from seqpool.poolers.base import Pooler, settle


def token(seq: Sequences, index: int) -> Tensor:
    """The real step at `index`, `(B, F)`; see `TokenPooler`."""
    place = torch.full_like(seq.count, index) if index >= 0 else seq.count + index
    chosen = seq.position().unsqueeze(-1) == spread(seq, place.unsqueeze(1))
    # At most one step is chosen, and the sum of one is that one.
    return settle(seq, total(seq, torch.where(chosen, seq.values, 0)))


def marker_mask(token_ids: Tensor, marker: int, mask: Tensor | None = None) -> Tensor:
    r"""Choose the tokens that are a marker, such as `[MASK]`, `[E1]` or the end of the text, as a mask for any pooler.

    .. math:: m_{b,t} = [id_{b,t} = marker]

    `FirstPooler` then gives the first marker, `LastPooler` the last, `MaskedMeanPooler` their mean; a sequence without
    one gives zeros. For flat rows the result, as floats, is what `WeightedMeanPooler` takes as `weights`.

    Source: the entity markers of Baldini Soares et al. 2019, "Matching the Blanks: Distributional Similarity for
    Relation Learning" (https://arxiv.org/abs/1906.03158).

    Also: entity markers, entity start.

    Args:
        token_ids: what the encoder read.
        marker: the id to look for.
        mask: which tokens are real, bool or 0/1; needed where the padding is written with the marker's own id, as
            GPT-2's is.

    Shape:
        `(B, T)`, or any other -> the same.

    Raises:
        TypeError: `token_ids` are no whole numbers, or `mask` is complex.
        ValueError: `mask` has another shape, or holds other values than 0 and 1.

    Example:
        >>> ids = torch.tensor([[5, 7, 6, 7, 0], [7, 0, 0, 0, 0]])
        >>> x = torch.arange(10.0).view(2, 5, 1)
        >>> LastPooler()(x, mask=marker_mask(ids, 7)).tolist()
        [[3.0], [5.0]]
    """
    if token_ids.is_floating_point() or token_ids.is_complex():
        raise TypeError(f"token_ids must be whole numbers, {token_ids.dtype} came: give what the encoder read")
    found = token_ids == marker
    if mask is None:
        return found
    if mask.shape != found.shape:
        raise ValueError(f"mask must have the shape of token_ids {tuple(found.shape)}, {tuple(mask.shape)} came")
    return found & zero_or_one(mask)


def skip_first(mask: Tensor, k: int | Tensor) -> Tensor:
    r"""Leave out the first k real steps of each sequence, such as a prompt, on either padding side.

    .. math:: m'_{b,t} = m_{b,t} \, [\textstyle\sum_{s \le t} m_{b,s} > k_b]

    A sequence of k steps or fewer is empty then, and pools to zeros.

    Source: Su et al. 2023, "One Embedder, Any Task: Instruction-Finetuned Text Embeddings"
    (https://arxiv.org/abs/2212.09741), which averages the steps behind the instruction alone.

    Also: INSTRUCTOR, include_prompt=False.

    Args:
        mask: which steps are real, bool or 0/1.
        k: steps to leave out, of every sequence or one number for each.

    Shape:
        mask `(B, T)`, k `(B,)` -> `(B, T)`, bool.

    Raises:
        TypeError: `mask` is complex.
        ValueError: `mask` has not two dimensions or holds other values than 0 and 1, or `k` is negative.

    Example:
        >>> mask = torch.tensor([[0, 1, 1, 1], [1, 1, 0, 0]])
        >>> skip_first(mask, 2).int().tolist()
        [[0, 0, 0, 1], [0, 0, 0, 0]]
    """
    if mask.dim() != 2:
        raise ValueError(f"mask must have shape (B, T), {tuple(mask.shape)} came: one row a sequence")
    _check_not_negative(k)
    real = zero_or_one(mask)
    return real & (real.cumsum(1) > (k if isinstance(k, int) else k.unsqueeze(1)))


def _check_not_negative(k: int | Tensor) -> None:
    if isinstance(k, Tensor) and not (k.numel() and on_host(k)):
        return
    fewest = k if isinstance(k, int) else int(k.min())
    if fewest < 0:
        raise ValueError(f"k must be at least 0, {fewest} came: it is the number of steps to leave out")


@final
class TokenPooler(Pooler):
    r"""Take the real step at an index, counted from the first one, or backward from the last.

    .. math:: y = x_{i+1} \; (i \ge 0), \quad y = x_{n+1+i} \; (i < 0)

    Where the sequence has no such step, the result is 0, as for an empty sequence.

    Source: this library.

    Args:
        index: i, 0 for the first step, -1 for the last, as Python counts.

    Shape:
        n steps of D features -> D features.

    Example:
        >>> x = torch.tensor([[[1.0], [2.0], [3.0], [9.0]]])
        >>> TokenPooler(-2)(x, lengths=[3]).item(), TokenPooler(5)(x, lengths=[3]).item()
        (2.0, 0.0)
    """

    samples = ({"index": 1}, {"index": -2})
    order = True
    piecewise = True
    also = ("nth token", "index pooling")

    def __init__(self, index: int) -> None:
        super().__init__()
        self.index = index

    def one(self, x: Tensor) -> Tensor:
        return x[self.index] if -x.shape[0] <= self.index < x.shape[0] else torch.zeros_like(x[0])

    def pool(self, seq: Sequences) -> Tensor:
        return token(seq, self.index)

    def extra_repr(self) -> str:
        return f"index={self.index}"
