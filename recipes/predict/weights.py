"""How much each token of a text weighs in its classification."""

from typing import Any

from torch import Tensor, nn

from recipes.encoders.embedding import WordEmbedding
from recipes.model import TextClassifier
from seqpool import view
from seqpool.analysis import attention_saliency, gradient_saliency, split_at
from seqpool.poolers.base import AttentionBase


def weigh_tokens(model: TextClassifier, ids: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """Scores `(B, C)`, and the weight of each token, `(B, T)`, 0 on padding.

    The pooler's attention where it attends, averaged over its heads; the saliency of the class predicted elsewhere.
    """
    steps, rest = split_at(model, _embedding(model), ids, lengths)
    kept: list[Tensor] = []

    def scored(steps: Tensor) -> Tensor:
        kept.append(rest(steps))
        return kept[0]

    seq, pooler = view(steps, lengths=lengths), model.get_submodule("encoder.pooler")
    if isinstance(pooler, AttentionBase):
        weights = attention_saliency(scored, pooler, seq)
    else:
        weights = gradient_saliency(scored, seq)
    assert isinstance(weights, Tensor)
    return kept[0].detach(), weights


def way(model: TextClassifier) -> str:
    """What the weights are, for a heading."""
    pooler = model.get_submodule("encoder.pooler")
    name = type(pooler).__name__
    return f"attention of {name}" if isinstance(pooler, AttentionBase) else f"gradient saliency through {name}"


def _embedding(model: TextClassifier) -> nn.Module:
    if isinstance(model.embedding, WordEmbedding):
        return model.embedding
    pretrained: Any = model.get_submodule("encoder.steps.model")  # a model of `transformers`, which is optional
    embedding: nn.Module = pretrained.get_input_embeddings()
    return embedding
