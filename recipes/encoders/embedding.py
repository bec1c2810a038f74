"""Ids to vectors."""

from typing import final

from torch import Tensor, nn
from torch.nn import functional as F


@final
class WordEmbedding(nn.Embedding):
    """A vector a word, zeros for padding (id 0), with dropout in training.

    Args:
        num_words: Rows, padding included.
        width: Width of a vector.
        dropout: Share of numbers dropped in training.
    """

    def __init__(self, num_words: int, width: int, dropout: float) -> None:
        super().__init__(num_words, width, padding_idx=0)
        self.dropout = dropout

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # the name of its base
        """Vectors `(B, T, width)` of ids `(B, T)`."""
        return F.dropout(super().forward(input), self.dropout, self.training)
