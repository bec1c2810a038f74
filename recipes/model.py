"""A text classifier: embedding, recurrent network, pooler, linear head."""

from typing import Literal, final

import torch
from lightning import LightningModule
from lightning.pytorch.cli import OptimizerCallable
from torch import Tensor, nn
from torch.optim import Adam
from torchmetrics import Metric, MetricCollection
from torchmetrics.classification import MulticlassAccuracy, MulticlassF1Score

from recipes.data.batches import IGNORED, Batch
from recipes.training.loss import MeanLoss, of_all_processes, summed_loss
from seqpool import Pooler, RNNEncoder

Kind = Literal["lstm", "gru", "rnn"]
_KINDS: dict[Kind, type[nn.LSTM] | type[nn.GRU] | type[nn.RNN]] = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}


def output_width(hidden_size: int, bidirectional: bool) -> int:
    """Width of a step that the recurrent network gives to the pooler."""
    return 2 * hidden_size if bidirectional else hidden_size


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
        pooler: What makes one vector of the network's steps; its `in_features` and `num_layers` are set to fit.
        num_words: Rows of the embedding, padding (0) and unknown (1) included.
        num_classes: Classes to choose from.
        kind: Recurrent network.
        embedding_dim: Width of the embedding.
        hidden_size: Units of the network in each direction.
        num_layers: Layers of the network.
        bidirectional: Whether the network reads both ways.
        dropout: Share of embedding and vector dropped in training, and between layers.
        optimizer: Makes the optimizer from the parameters.

    Raises:
        ValueError: the pooler does not fit the network, or a number is out of range.
    """

    def __init__(
        self,
        pooler: Pooler,
        num_words: int,
        num_classes: int,
        kind: Kind = "lstm",
        embedding_dim: int = 128,
        hidden_size: int = 128,
        num_layers: int = 1,
        bidirectional: bool = True,
        dropout: float = 0.3,
        optimizer: OptimizerCallable = lambda parameters: Adam(parameters, lr=2e-3),
    ) -> None:
        super().__init__()
        if embedding_dim < 1:
            raise ValueError(f"embedding_dim must be at least 1, {embedding_dim} came")
        self.embedding = nn.Embedding(num_words, embedding_dim, padding_idx=0)
        self.dropout = nn.Dropout(dropout)
        rnn = _KINDS[kind](
            embedding_dim,
            hidden_size,
            num_layers,
            batch_first=True,
            bidirectional=bidirectional,
            # Between layers, so a single layer has none; PyTorch warns of it.
            dropout=dropout if num_layers > 1 else 0.0,
        )
        self.encoder = RNNEncoder(rnn, pooler)
        self.head = nn.Linear(self.encoder.out_features, num_classes)
        self.optimizer = optimizer
        self.train_loss, self.val_loss, self.test_loss = MeanLoss(), MeanLoss(), MeanLoss()
        self.val_metrics = metrics(num_classes, "val_")
        self.test_metrics = metrics(num_classes, "test_")
        self._try_out()

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        """Scores of every class, `(B, num_classes)`, for ids `(B, T)` of `lengths` tokens each."""
        vectors = self.encoder(self.dropout(self.embedding(ids)), lengths)
        scores: Tensor = self.head(self.dropout(vectors))
        return scores

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
        """Let a pooler that does not fit the network say so now, not after the data are ready."""
        self.eval()
        self(torch.zeros(1, 1, dtype=torch.long), torch.ones(1, dtype=torch.long))
        self.train()
