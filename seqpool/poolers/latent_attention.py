"""Attention: steps rewritten from a dictionary of learned latent vectors, then averaged."""

from typing import final

import torch
from torch import Tensor, nn

from seqpool.layout import Sequences
from seqpool.ops import accumulator, compact, mean, restore, select, softmax
from seqpool.poolers.base import AttentionBase, check_at_least_one, settle
from seqpool.poolers.multi_head import contents, keys, multi_head, queries


@final
class LatentAttentionPooler(AttentionBase):
    r"""Let each step attend to a learned dictionary, pass what it finds through two layers, and average.

    The steps count alike in the average; the attention of a step lies over the latent vectors. So the weights on
    request say how the steps share in each latent vector: its attention, divided by its total over the sequence.
    Unlike the released model, and as in the paper's formulas, it has no layer norm before the attention and the two
    layers, no residual connection around them and no gate in the hidden layer, its heads share the width, and the
    result keeps its length.

    .. math::
        y = \frac{1}{n} \sum_t W_2 \, GELU(W_1 o_t + b_1) + b_2, \quad o_t = MultiHead(x_t, L, L)

    Source: Lee et al. 2024, "NV-Embed: Improved Techniques for Training LLMs as Generalist Embedding Models"
    (https://arxiv.org/abs/2405.17428), who use 512 latent vectors and 8 heads.

    Args:
        in_features: D, the width of a step.
        num_latents: vectors in the dictionary L, each as wide as a step.
        num_heads: heads of the attention; 1, which divides every width, where it is left out.
        hidden_features: width of the hidden layer; four times `in_features` where it is `None`.

    Shape:
        n steps of D features -> D features; weights: one a step for each latent vector of each head, head by head.

    Raises:
        ValueError: a size is below 1, or `num_heads` does not divide `in_features`.

    Example:
        >>> pooler = LatentAttentionPooler(4, num_latents=16, num_heads=2)
        >>> pooled, weights = pooler(torch.randn(2, 3, 4), lengths=[3, 1], return_weights=True)
        >>> pooled.shape, weights.shape
        (torch.Size([2, 4]), torch.Size([2, 3, 32]))
    """

    samples = ({"num_latents": 5}, {"num_latents": 4, "num_heads": 2, "hidden_features": 3})
    also = ("NV-Embed", "latent attention")

    def __init__(
        self, in_features: int, *, num_latents: int = 512, num_heads: int = 1, hidden_features: int | None = None
    ) -> None:
        super().__init__()
        self.attention = multi_head(in_features, num_heads)
        check_at_least_one("num_latents", num_latents, "leave it out for 512")
        hidden_features = 4 * in_features if hidden_features is None else hidden_features
        check_at_least_one("hidden_features", hidden_features, "leave it out for 4 x in_features")
        self.latents = nn.Parameter(torch.randn(num_latents, in_features))
        self.mlp = nn.Sequential(
            nn.Linear(in_features, hidden_features), nn.GELU(), nn.Linear(hidden_features, in_features)
        )

    def one(self, x: Tensor) -> Tensor:
        found: Tensor = self.mlp(self.attention(x, self.latents, self.latents)[0])
        return found.mean(0)

    def pool(self, seq: Sequences) -> Tensor:
        seq = compact(seq)
        return self._average(seq, self._scores(select(seq, seq.values)))

    def weigh(self, seq: Sequences) -> tuple[Tensor, Tensor]:
        flat = compact(seq)
        scores = self._scores(select(flat, flat.values))
        # Softmax of a logarithm is the number over its total, safe where a latent vector draws next to nothing.
        weights = softmax(flat, scores.log_softmax(-1, dtype=accumulator(scores.dtype)).flatten(-2))
        return self._average(flat, scores), restore(seq, flat, weights).to(seq.values.dtype)

    def extra_repr(self) -> str:
        return f"num_latents={self.latents.shape[0]}, num_heads={self.attention.num_heads}"

    def _scores(self, rows: Tensor) -> Tensor:
        """How well each row matches each latent vector, `(*rows, H, latents)`."""
        return torch.einsum("...hd,lhd->...hl", queries(self.attention, rows), keys(self.attention, self.latents))

    def _average(self, seq: Sequences, scores: Tensor) -> Tensor:
        """What the rows find in the dictionary, through the two layers, averaged."""
        content = contents(self.attention, self.latents)
        weights = scores.softmax(-1, dtype=accumulator(scores.dtype)).to(content.dtype)
        looked_up = self.attention.out_proj(torch.einsum("...hl,lhd->...hd", weights, content).flatten(-2))
        found: Tensor = self.mlp(looked_up)
        return settle(seq, mean(seq, found))
