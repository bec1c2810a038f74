"""The loss of a batch whose texts are split among processes."""

import torch
from lightning import Trainer
from torch import Tensor
from torch.nn import functional as F
from torchmetrics import MeanMetric

from recipes.data.batches import IGNORED
from recipes.gate import RunError


def summed_loss(scores: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Cross-entropy summed over the texts that count, and how many do."""
    return F.cross_entropy(scores, labels, ignore_index=IGNORED, reduction="sum"), (labels != IGNORED).sum()


def global_mean(trainer: Trainer, summed: Tensor, texts: Tensor) -> tuple[Tensor, Tensor]:
    """The mean loss over the texts of all processes, and how many texts those are.

    Raises:
        RunError: the mean is no number, in every process alike.
    """
    both = torch.stack([summed.detach(), texts.to(summed.dtype)])
    whole, count = trainer.strategy.reduce(both, reduce_op="sum")
    mean = whole / count
    if not mean.isfinite():
        raise RunError(
            f"the training loss is {mean.item()} at step {trainer.global_step} of epoch {trainer.current_epoch}: "
            "lower the learning rate or set trainer.gradient_clip_val; the last checkpoint is of before"
        )
    return mean, count


def mean_metric() -> MeanMetric:
    """A mean over texts that lets a loss which is no number be seen."""
    return MeanMetric(nan_strategy="disable")
