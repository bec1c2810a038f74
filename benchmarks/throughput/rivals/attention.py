"""Rivals of attention in PyTorch: `nn.MultiheadAttention`, FlexAttention and, on a GPU, varlen attention."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.attention.flex_attention import create_block_mask, flex_attention
from torch.nn.attention.varlen import varlen_attn

from benchmarks.throughput.batches import Padded
from benchmarks.throughput.trial import Contender, Run, Trial
from seqpool import AttentionPooler

WIDEST_HEAD = 256
"""What FlashAttention takes."""


def offer(trial: Trial, *, compiled: bool) -> dict[str, Contender]:
    """Attention of one learned query over the steps, each a key and a value at once."""
    pooler, layout = trial.pooler, trial.batch.layout
    if not isinstance(pooler, AttentionPooler):
        return {}
    found = {}
    query = pooler.score.weight
    parameters = tuple(pooler.parameters())
    if layout.padded is not None:
        attention = _with_identities(query)
        own = tuple(attention.parameters())
        found["MultiheadAttention"] = Contender(_multi_head(layout.padded, attention, query), own, shared=False)
        if compiled:
            found["FlexAttention"] = Contender(_flex_padded(trial, layout.padded, query), parameters)
    if compiled and layout.flat is not None:
        found["FlexAttention, flat"] = Contender(_flex_flat(trial, query), parameters)
    stored = trial.batch.stored
    if layout.flat is not None and stored.is_cuda and stored.dtype != torch.float32 and query.numel() <= WIDEST_HEAD:
        found["varlen_attn"] = Contender(_varlen(trial, query), parameters)
    return found


def _with_identities(query: Tensor) -> nn.MultiheadAttention:
    """A module whose projections change nothing; it computes and trains them all the same, as it does for its users."""
    width = query.shape[1]
    attention = nn.MultiheadAttention(width, 1, bias=False, batch_first=True, device=query.device, dtype=query.dtype)
    with torch.no_grad():
        identity = torch.eye(width, device=query.device, dtype=query.dtype)
        attention.in_proj_weight.copy_(identity.repeat(3, 1))
        attention.out_proj.weight.copy_(identity)
    return attention


def _multi_head(pad: Callable[[Tensor], Padded], attention: nn.MultiheadAttention, query: Tensor) -> Run:
    asked = query.detach() * query.shape[1] ** 0.5  # the module divides by the root

    def run(stored: Tensor) -> Tensor:
        x, mask = pad(stored)
        found = attention(asked.expand(mask.shape[0], 1, -1), x, x, key_padding_mask=~mask, need_weights=False)
        pooled: Tensor = found[0].squeeze(1)
        return pooled

    return run


def _wanted(query: Tensor) -> Tensor:
    """On the CPU FlexAttention refuses whatever could be given a gradient, even where none is asked for."""
    return query if torch.is_grad_enabled() else query.detach()


def _flex_padded(trial: Trial, pad: Callable[[Tensor], Padded], query: Tensor) -> Run:
    size = trial.batch.size
    mask = pad(trial.batch.stored.detach())[1]

    def real(b: Tensor, _h: Tensor, _q: Tensor, k: Tensor) -> Tensor:
        return mask[b, k]

    blocks = create_block_mask(real, size, None, 1, mask.shape[1], device=str(mask.device))
    attend = torch.compile(flex_attention, dynamic=False)

    def run(stored: Tensor) -> Tensor:
        x = pad(stored)[0].unsqueeze(1)
        pooled: Tensor = attend(_wanted(query).expand(size, 1, 1, -1), x, x, block_mask=blocks, scale=1.0)
        return pooled.flatten(1)

    return run


def _flex_flat(trial: Trial, query: Tensor) -> Run:
    batch = trial.batch
    owner = torch.repeat_interleave(batch.layout.lengths)

    def same(_b: Tensor, _h: Tensor, q: Tensor, k: Tensor) -> Tensor:
        return owner[k] == q

    blocks = create_block_mask(same, None, None, batch.size, owner.numel(), device=str(owner.device))
    attend = torch.compile(flex_attention, dynamic=False)

    def run(stored: Tensor) -> Tensor:
        x = stored.unsqueeze(0).unsqueeze(0)
        pooled: Tensor = attend(_wanted(query).expand(1, 1, batch.size, -1), x, x, block_mask=blocks, scale=1.0)
        return pooled[0, 0]

    return run


def _varlen(trial: Trial, query: Tensor) -> Run:
    batch = trial.batch
    bounds = batch.offsets.to(torch.int32)
    each = torch.arange(batch.size + 1, dtype=torch.int32, device=bounds.device)
    longest = int(batch.layout.lengths.max())

    def run(stored: Tensor) -> Tensor:
        x = stored.unsqueeze(1)
        asked = query.expand(batch.size, -1).unsqueeze(1)
        pooled = varlen_attn(asked, x, x, each, bounds, 1, longest, scale=1.0)
        assert isinstance(pooled, Tensor)  # a pair where more is asked for
        return pooled.squeeze(1)

    return run
