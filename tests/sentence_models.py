"""What the tests of `seqpool.integrations.sentence_transformers` share: the packages, and batches as they pass them."""

from typing import Any

import pytest
import torch

from tests.small_transformers import WIDTH

pytest.importorskip("sentence_transformers", reason="an optional package, in the extra 'integrations'")
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

from seqpool.integrations.sentence_transformers import SequencePooling

__all__ = ["MODES", "TEXTS", "Pooling", "SentenceTransformer", "SequencePooling", "Transformer", "features"]

MODES = ("cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken")
TEXTS = ["a red bird sings", "blue", "a bird flies far away"]


def features(dtype: torch.dtype = torch.float32, side: str = "right") -> dict[str, Any]:
    mask = torch.arange(7) < torch.tensor([7, 5, 3]).unsqueeze(1)
    mask = mask if side == "right" else mask.flip(1)
    return {"token_embeddings": torch.randn(3, 7, WIDTH).to(dtype), "attention_mask": mask.long()}
