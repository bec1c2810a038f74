"""No encoder: the pooler sees the embeddings themselves."""

from typing import final

from torch import Tensor

from recipes.encoders.base import StepEncoder


@final
class NoEncoder(StepEncoder):
    """Give the embeddings to the pooler as they are: a bag of embeddings, where the pooler ignores order.

    Args:
        in_features: Width of the embeddings.
    """

    def __init__(self, in_features: int) -> None:
        super().__init__()
        self.out_features = in_features

    def forward(self, x: Tensor, real: Tensor) -> Tensor:
        return x
