"""A text classifier: embedding, encoder, pooler, linear head."""

from collections.abc import Mapping
from typing import final

import torch
from lightning import LightningModule
from lightning.pytorch.cli import OptimizerCallable
from torch import Tensor, nn
from torch.optim import Adam
from torchmetrics import Metric, MetricCollection
from torchmetrics.classification import MulticlassAccuracy, MulticlassF1Score

from recipes.data.batches import IGNORED, Batch
from recipes.encoders import EncoderFactory
from recipes.encoders.embedding import WordEmbedding
from recipes.poolers import PoolerFactory
from recipes.training.loss import MeanLoss, of_all_processes, summed_loss
from recipes.vectors import Coverage, read_vectors


def metrics(num_classes: int, prefix: str = "") -> MetricCollection:
    """Accuracy over texts, and F1 averaged over classes."""
    both: dict[str, Metric | MetricCollection] = {
        "accuracy": MulticlassAccuracy(num_classes, average="micro", ignore_index=IGNORED),
        "macro_f1": MulticlassF1Score(num_classes, average="macro", ignore_index=IGNORED),
    }
    return MetricCollection(both, prefix=prefix)


@final
class TextClassifier(LightningModule):
    """Classify token ids through one vector a text.

    Args:
        pooler: What makes one vector of the encoder's steps, any of the catalogue by its class name; it is built to fit
            the encoder.
        num_words: Rows of the embedding, padding (0) and unknown (1) included.
        num_classes: Classes to choose from.
        encoder: What makes steps of the embeddings: NoEncoder, RNN, LSTM, GRU, Convolution, Transformer, or Pretrained.
        embedding_dim: Width of the embedding; a pretrained encoder brings its own.
        dropout: Share of embedding and vector dropped in training.
        vectors: File of word vectors in GloVe's format that the embedding starts from; random by default.
        freeze_embedding: Whether the embedding stays as it starts.
        optimizer: Makes the optimizer from the parameters.

    Raises:
        ValueError: the pooler does not fit the encoder, or a number is out of range.
    """

    def __init__(
        self,
        pooler: PoolerFactory,
        num_words: int,
        num_classes: int,
        encoder: EncoderFactory,
        embedding_dim: int = 128,
        dropout: float = 0.3,
        vectors: str | None = None,
        freeze_embedding: bool = False,
        optimizer: OptimizerCallable = lambda parameters: Adam(parameters, lr=2e-3),
    ) -> None:
        super().__init__()
        if embedding_dim < 1:
            raise ValueError(f"embedding_dim must be at least 1, {embedding_dim} came")
        steps = encoder(in_features=embedding_dim)
        fitting = pooler(in_features=steps.out_features, num_layers=steps.state_layers, step_layers=steps.step_layers)
        unmet = [need for need in ("weights", "query") if need in fitting.needs]
        if unmet:
            raise ValueError(
                f"{type(fitting).__name__} needs {' and '.join(unmet)} beside the steps, which no recipe has: "
                "take another pooler"
            )
        self.embedding = steps.embedding(num_words, embedding_dim, dropout)
        self.embedding.requires_grad_(not freeze_embedding)
        self.encoder = steps.pooled(fitting)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(fitting.out_features(steps.out_features), num_classes)
        self.vectors = vectors
        self.optimizer = optimizer
        self.train_loss, self.val_loss, self.test_loss = MeanLoss(), MeanLoss(), MeanLoss()
        self.val_metrics = metrics(num_classes, "val_")
        self.test_metrics = metrics(num_classes, "test_")
        self._try_out()

    @property
    def logged(self) -> list[str]:
        """The names of what it logs while it is trained."""
        return ["train_loss", "val_loss", *map(str, self.val_metrics)]

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        """Scores of every class, `(B, num_classes)`, for ids `(B, T)` of `lengths` tokens each."""
        pooled = self.encoder(self.embedding(ids), lengths)
        scores: Tensor = self.head(self.dropout(pooled))
        return scores

    def read_vectors(self, vocabulary: Mapping[str, int]) -> Coverage | None:
        """Start the embedding from the file of word vectors, where there is one.

        Raises:
            ValueError: the file cannot be used, or the encoder has no embedding of words.
        """
        if self.vectors is None:
            return None
        if not isinstance(self.embedding, WordEmbedding):
            raise ValueError("a pretrained encoder embeds its tokens itself: leave model.vectors out")
        return read_vectors(self.vectors, vocabulary, self.embedding.weight)

    def training_step(self, batch: Batch) -> Tensor:
        """Loss of one batch: this process's part of the mean over the texts of all processes."""
        ids, lengths, labels = batch
        summed, own = summed_loss(self(ids, lengths), labels)
        whole, texts = of_all_processes(self.trainer, summed, own)
        self.train_loss.update(whole, texts)
        self.log("train_loss", self.train_loss, prog_bar=True, on_step=False, on_epoch=True)
        # Processes average their gradients, so each multiplies its part by their number.
        return summed * self.trainer.world_size / texts

    def validation_step(self, batch: Batch) -> None:
        """Measure one batch of the validation split."""
        self._measure(batch, self.val_metrics, self.val_loss, "val_loss")

    def test_step(self, batch: Batch) -> None:
        """Measure one batch of the test split."""
        self._measure(batch, self.test_metrics, self.test_loss, "test_loss")

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """The optimizer asked for."""
        return self.optimizer(self.parameters())

    def _measure(self, batch: Batch, collection: MetricCollection, mean: MeanLoss, name: str) -> None:
        ids, lengths, labels = batch
        scores = self(ids, lengths)
        summed, texts = summed_loss(scores, labels)
        mean.update(summed, texts)
        collection.update(scores, labels)
        self.log(name, mean)
        self.log_dict(collection, prog_bar=True)

    @torch.no_grad()
    def _try_out(self) -> None:
        """Let a pooler that does not fit the encoder say so now, not after the data are ready."""
        self.eval()
        self(torch.zeros(1, 1, dtype=torch.long), torch.ones(1, dtype=torch.long))
        self.train()
