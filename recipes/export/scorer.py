"""The part of a classifier that is deployed: ids and lengths in, scores out."""

from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from recipes.model import TextClassifier
from seqpool import RNNEncoder

SHORTEST = 2
"""Steps of a batch where their number is open: exporters burn in a size of 1."""


@final
class Scorer(nn.Module):
    """Embedding, encoder, pooler and head of a trained classifier, in evaluation mode.

    Args:
        classifier: Where they come from; they are shared.
        max_tokens: Longest text.
    """

    def __init__(self, classifier: TextClassifier, max_tokens: int) -> None:
        super().__init__()
        self.embedding, self.encoder, self.head = classifier.embedding, classifier.encoder, classifier.head
        self.max_tokens = max_tokens
        self.eval()

    @property
    def recurrent(self) -> bool:
        """Whether a recurrent network is in it, whose number of steps an exported program holds."""
        return isinstance(self.encoder, RNNEncoder)

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        """Scores `(B, C)` of ids `(B, T)` of `lengths` tokens each."""
        scores: Tensor = self.head(self.encoder(self.embedding(ids), lengths))
        return scores

    def example(self) -> tuple[Tensor, Tensor]:
        """Three texts, one of them empty, to export with: two or more, since exporters burn in a size of 1."""
        steps = self.max_tokens if self.recurrent else max(SHORTEST, min(self.max_tokens, 16))
        ids = torch.zeros(3, steps, dtype=torch.long)
        ids[0], ids[1, 0] = 1, 1
        return ids, torch.tensor([steps, 1, 0])


def pad_to(ids: Tensor, steps: int) -> Tensor:
    """Ids `(B, T)` padded to `steps` or more; padding changes nothing."""
    return F.pad(ids, (0, max(0, steps - ids.shape[1])))
