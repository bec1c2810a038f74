"""How much each token of a text weighs in its classification."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from recipes.encoders.embedding import WordEmbedding
from recipes.model import TextClassifier
from seqpool.poolers.base import AttentionBase


def weigh_tokens(model: TextClassifier, ids: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """Scores `(B, C)`, and the weight of each token, `(B, T)`, 0 on padding.

    The pooler's attention where it attends, averaged over its heads; the saliency of the class predicted elsewhere.
    """
    attends = isinstance(model.get_submodule("encoder.pooler"), AttentionBase)
    return (_attention if attends else _saliency)(model, ids, lengths)


def way(model: TextClassifier) -> str:
    """What the weights are, for a heading."""
    pooler = model.get_submodule("encoder.pooler")
    name = type(pooler).__name__
    return f"attention of {name}" if isinstance(pooler, AttentionBase) else f"gradient saliency through {name}"


def _attention(model: TextClassifier, ids: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    pooler, kept = model.get_submodule("encoder.pooler"), []

    def ask(_: nn.Module, args: Any, kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        return args, kwargs | {"return_weights": True}

    def keep(_: nn.Module, __: Any, output: tuple[Tensor, Tensor | PackedSequence]) -> Tensor:
        kept.append(output[1])
        return output[0]

    with pooler.register_forward_pre_hook(ask, with_kwargs=True), pooler.register_forward_hook(keep):
        scores = model(ids, lengths)
    (alpha,) = kept
    padded: Tensor = pad_packed_sequence(alpha, batch_first=True)[0] if isinstance(alpha, PackedSequence) else alpha
    steps = ids.shape[1]
    weights = F.pad(padded.mean(2), (0, max(0, steps - padded.shape[1])))[:, :steps]
    # A network that takes no empty sequence has read one step in its place.
    return scores, weights.masked_fill(torch.arange(steps, device=ids.device) >= lengths.unsqueeze(1), 0)


def _saliency(model: TextClassifier, ids: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    r"""Gradient times input, :math:`|\sum_d e_d \, \partial s_c / \partial e_d|`, for the class c of the highest score.

    Source: Shrikumar et al. 2016, "Not Just a Black Box" (https://arxiv.org/abs/1605.01713); the sum over the
    embedding's features and the absolute value make one weight a token, this library.
    """
    kept: list[Tensor] = []

    def keep(_: nn.Module, __: Any, output: Tensor) -> Tensor:
        kept.append(output.detach().requires_grad_())
        return kept[0]

    # cuDNN's recurrent networks have no backward pass in evaluation mode.
    with (
        torch.enable_grad(),
        torch.backends.cudnn.flags(enabled=False),
        _embedding(model).register_forward_hook(keep),
    ):
        scores = model(ids, lengths)
        (gradient,) = torch.autograd.grad(scores.amax(1).sum(), kept)
    weights = (gradient * kept[0]).sum(2).abs()
    padding = torch.arange(ids.shape[1], device=ids.device) >= lengths.unsqueeze(1)
    return scores.detach(), weights.detach().masked_fill(padding, 0)


def _embedding(model: TextClassifier) -> nn.Module:
    if isinstance(model.embedding, WordEmbedding):
        return model.embedding
    pretrained: Any = model.get_submodule("encoder.steps.model")  # a model of `transformers`, which is optional
    embedding: nn.Module = pretrained.get_input_embeddings()
    return embedding
