"""A transformer that was trained by others."""

from typing import Any, Self, final

import torch
from torch import Tensor, nn

from recipes.encoders.base import StepEncoder
from recipes.pretrained import load_model


@final
class Pretrained(StepEncoder):
    """Encode the tokens with a pretrained transformer; the data take its tokenizer.

    Args:
        in_features: Width of other encoders' embeddings; this one brings its own.
        path: Folder of a model that `transformers` wrote, or an id on the Hugging Face hub.
        layers: Last layers whose steps the pooler gets side by side.
        freeze: Whether its weights stay as they are.

    Raises:
        ValueError: `transformers` is not installed, the model cannot be loaded, or it has fewer layers.
    """

    def __init__(self, in_features: int, path: str, layers: int = 1, freeze: bool = False) -> None:
        super().__init__()
        self.model = load_model(path)
        config: Any = self.model.config
        depth: int = config.num_hidden_layers
        if not 1 <= layers <= depth + 1:
            raise ValueError(f"layers must be 1 to {depth + 1}, the embeddings counted; {layers} came")
        self.step_layers, self.out_features, self.freeze = layers, layers * config.hidden_size, freeze
        self.model.requires_grad_(not freeze)

    def embedding(self, num_words: int, width: int, dropout: float) -> nn.Module:
        # The model embeds the ids itself.
        return nn.Identity()

    def train(self, mode: bool = True) -> Self:
        """Leave a frozen model's dropout off."""
        return super().train(mode and not self.freeze)

    def forward(self, x: Tensor, real: Tensor) -> Tensor:
        # An empty text shows its first step, which no pooler reads: some kernels make NaN of no step.
        visible = real | (torch.arange(x.shape[1], device=x.device) == 0)
        output = self.model(x, attention_mask=visible.long(), output_hidden_states=self.step_layers > 1)
        if self.step_layers == 1:
            last: Tensor = output.last_hidden_state
            return last
        return torch.cat(output.hidden_states[-self.step_layers :], dim=-1)
