"""What every encoder tells the classifier around it."""

from abc import ABC, abstractmethod
from typing import Protocol, final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from recipes.encoders.embedding import WordEmbedding
from seqpool import Pooler


class Encoder(ABC):
    """Turn the embeddings of a text into the steps that a pooler reads."""

    out_features: int
    """Width of a step."""

    state_layers: int = 1
    """Layers that a final state of is known, for poolers that read them all."""

    step_layers: int = 1
    """Layers that lie side by side in a step."""

    @abstractmethod
    def pooled(self, pooler: Pooler) -> nn.Module:
        """Join this encoder and a pooler, kept in `pooler`, to a module from `(embeddings, lengths)` to `(B, F)`."""

    def embedding(self, num_words: int, width: int, dropout: float) -> nn.Module:
        """What ids pass through before they come here."""
        return WordEmbedding(num_words, width, dropout)


class EncoderFactory(Protocol):
    """An encoder but for the width of the embeddings."""

    def __call__(self, *, in_features: int) -> Encoder:
        """Build it."""


class StepEncoder(nn.Module, Encoder):
    """An encoder that returns steps alone, no final states."""

    @abstractmethod
    def forward(self, x: Tensor, real: Tensor) -> Tensor:
        """Encode `x`, `(B, T, D)` to `(B, T, out_features)`.

        `real` `(B, T)` is False on padding, which must change no real step; T is at least 1.
        """

    def pooled(self, pooler: Pooler) -> nn.Module:
        return PooledSteps(self, pooler)


@final
class PooledSteps(nn.Module):
    """Encode padded texts and pool the steps.

    Raises:
        ValueError: the pooler needs what no step holds.
    """

    def __init__(self, steps: StepEncoder, pooler: Pooler) -> None:
        super().__init__()
        self.steps = steps
        self.pooler = pooler
        with torch.no_grad():
            self._refuse_directions()

    @property
    def out_features(self) -> int:
        """Width F of the result."""
        return self.pooler.out_features(self.steps.out_features)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Encode and pool `x`, `(B, F)`."""
        if not x.shape[1]:
            # No text of the batch has a token, but kernels want a step.
            x = F.pad(x, (0, 0) * (x.dim() - 2) + (0, 1))
        real = torch.arange(x.shape[1], device=x.device) < lengths.unsqueeze(1)
        pooled: Tensor = self.pooler(self.steps(x, real), lengths=lengths)
        return pooled

    def _refuse_directions(self) -> None:
        """Show the pooler a final state of one direction: one that wants two would halve steps without halves."""
        step = next(self.pooler.parameters(), torch.empty(0)).new_zeros(1, 1, self.steps.out_features)
        if not {"h_n", "c_n"} & set(self.pooler.needs):
            self.pooler(step, step, lengths=[1])
