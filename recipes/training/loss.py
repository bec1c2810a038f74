"""The loss of a batch whose texts are split among processes."""

from typing import final

import torch
from lightning import Trainer
from torch import Tensor
from torch.nn import functional as F
from torchmetrics import Metric

from recipes.data.batches import IGNORED
from recipes.gate import RunError


@final
class MeanLoss(Metric):
    """Average a loss over texts, in all processes. torchmetrics' `MeanMetric` hides NaN or drops the weights.

    Example:
        >>> loss = MeanLoss()
        >>> loss.update(torch.tensor(6.0), torch.tensor(3))
        >>> loss.update(torch.tensor(0.0), torch.tensor(1))
        >>> loss.compute()
        tensor(1.5000)
    """

    summed: Tensor
    texts: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.add_state("summed", torch.tensor(0.0), dist_reduce_fx="sum")
        self.add_state("texts", torch.tensor(0), dist_reduce_fx="sum")

    def update(self, summed: Tensor, texts: Tensor) -> None:
        """Add the summed loss of some texts."""
        self.summed += summed.detach()
        self.texts += texts

    def compute(self) -> Tensor:
        """The mean over all texts."""
        return self.summed / self.texts


def summed_loss(scores: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Cross-entropy summed over the texts that count, and how many do; in single precision at least.

    Half precision counts 301 texts as 300.
    """
    scores = scores.to(torch.promote_types(scores.dtype, torch.float32))
    return F.cross_entropy(scores, labels, ignore_index=IGNORED, reduction="sum"), (labels != IGNORED).sum()


def of_all_processes(trainer: Trainer, summed: Tensor, texts: Tensor) -> tuple[Tensor, Tensor]:
    """The summed loss of all processes, and how many texts it is of.

    Raises:
        RunError: it is no number, in every process alike.
    """
    both = torch.stack([summed.detach(), texts.to(summed.dtype)])
    whole, count = trainer.strategy.reduce(both, reduce_op="sum")
    if not whole.isfinite():
        raise RunError(
            f"the training loss is {whole.item()} at step {trainer.global_step} of epoch {trainer.current_epoch}: "
            "lower the learning rate or set trainer.gradient_clip_val; the last checkpoint is of before"
        )
    return whole, count.to(texts.dtype)
