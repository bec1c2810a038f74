"""What a model looks at: plain functions of a model and a batch, in every layout; `seqpool.analysis.plots` draws."""

from seqpool.analysis.gradients import gradient_norms, gradient_saliency
from seqpool.analysis.importance import word_importance
from seqpool.analysis.opening import Model, split_at
from seqpool.analysis.positions import by_position, vanishing_ratio
from seqpool.analysis.states import hidden_gradient_norms
from seqpool.analysis.weights import attention_saliency

__all__ = [
    "Model",
    "attention_saliency",
    "by_position",
    "gradient_norms",
    "gradient_saliency",
    "hidden_gradient_norms",
    "split_at",
    "vanishing_ratio",
    "word_importance",
]
