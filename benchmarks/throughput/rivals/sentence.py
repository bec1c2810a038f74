"""The pooling module of sentence-transformers, which takes padded batches with a mask and flat ones."""

import torch
from sentence_transformers.sentence_transformer.modules import Pooling
from torch import Tensor

from benchmarks.throughput.trial import Contender, Trial

MODES = {
    "mean": "mean",
    "mean-sqrt-length": "mean_sqrt_len_tokens",
    "position-weighted": "weightedmean",
    "max": "max",
    "last": "lasttoken",
}


def offer(trial: Trial) -> dict[str, Contender]:
    """Its mode for this pooler; a time-major, packed or nested batch it would have to be given padded."""
    layout = trial.batch.layout
    pooling = Pooling(trial.batch.stored.shape[-1], MODES[trial.name])
    if layout.padded is not None:
        padded = layout.padded
        mask = padded(trial.batch.stored)[1].long()  # as tokenizers give it

        def features(stored: Tensor) -> dict[str, Tensor]:
            return {"token_embeddings": padded(stored)[0], "attention_mask": mask}
    else:
        bounds = trial.batch.offsets.to(torch.int32)

        def features(stored: Tensor) -> dict[str, Tensor]:
            return {"token_embeddings": stored.unsqueeze(0), "cu_seq_lens_q": bounds}

    def run(stored: Tensor) -> Tensor:
        pooled: Tensor = pooling(features(stored))["sentence_embedding"]
        return pooled

    return {"sentence-transformers": Contender(run)}
