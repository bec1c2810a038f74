"""Opening a model: the steps it reads, and the one number a sequence that is asked about."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from seqpool.layout import Integers, Sequences

Model = Callable[[Any], Tensor]
"""From steps, in the layout that they were viewed in, to scores `(B, C)` or one number a sequence `(B,)`."""


def split_at(model: Callable[..., Tensor], module: nn.Module, *inputs: Any) -> tuple[Tensor | PackedSequence, Model]:
    r"""Split a model behind one of its modules: the steps that the module gives, and the model from there on.

    .. math:: model(inputs) = rest(steps), \quad steps = module(\dots)

    So a model of token ids is analysed at its embedding.

    Source: this library.

    Args:
        model: any callable that calls `module` once, and gives scores; an `nn.Module` in evaluation mode, as a rule.
        module: the part of it that gives the steps.
        inputs: what `model` takes; `rest` gives it the same again.

    Shape:
        steps as `module` gives them; rest: steps -> scores.

    Raises:
        TypeError: `module` gives something else than a Tensor or a PackedSequence.
        ValueError: `model` calls `module` not once.

    Example:
        >>> embedding, head = nn.Embedding(9, 4), nn.Linear(4, 2)
        >>> def model(ids, lengths): return head(MaskedMeanPooler()(embedding(ids), lengths=lengths))
        >>> steps, rest = split_at(model, embedding, torch.tensor([[3, 5, 0]]), [2])
        >>> steps.shape, rest(2 * steps).shape
        (torch.Size([1, 3, 4]), torch.Size([1, 2]))
    """
    kept: list[Any] = []
    with torch.no_grad(), module.register_forward_hook(lambda *call: kept.append(call[2])):
        model(*inputs)
    name = type(module).__name__
    if len(kept) != 1:
        raise ValueError(f"model must call the {name} once, it did {len(kept)} times: split at another module")
    steps = kept[0]
    if not isinstance(steps, Tensor | PackedSequence):
        raise TypeError(
            f"the {name} must give steps as a Tensor or PackedSequence, a {type(steps).__name__} came: "
            "split at the module before it or behind it"
        )

    def rest(changed: Any) -> Tensor:
        with module.register_forward_hook(lambda *_: changed):
            return model(*inputs)

    return steps, rest


def check_states(seq: Sequences) -> None:
    """Refuse final states beside the steps: what flows through them never meets a step."""
    if seq.h_n is not None:
        raise ValueError(
            "steps must come alone, h_n came with them, and no step leads to it: "
            "leave h_n out of seqpool.view, or analyse at the network's input"
        )


def check_graph(score: Tensor) -> None:
    """Refuse a result that no gradient leads back from."""
    if not score.requires_grad:
        raise ValueError(
            "model must be differentiable, a result without a graph came: "
            "is it under torch.no_grad or torch.inference_mode?"
        )


def asked(seq: Sequences, result: Tensor, target: Integers | None) -> tuple[Tensor, Integers | None]:
    """The number asked about, `(B,)`: the model's own, or the score of `target`, by default of each best class."""
    if not isinstance(result, Tensor):
        raise TypeError(f"model must return a Tensor (B, C) or (B,), a {type(result).__name__} came: wrap the model")
    if result.dim() not in (1, 2) or result.shape[0] != seq.batch:
        raise ValueError(
            f"model must return scores (B, C) or one number a sequence (B,) with B = {seq.batch}, "
            f"shape {tuple(result.shape)} came: reduce it"
        )
    if result.dim() == 1:
        if target is not None:
            raise ValueError("target goes with scores (B, C), one number a sequence came: leave target out")
        return result, None
    index = result.argmax(1) if target is None else torch.as_tensor(target, device=result.device)
    if index.is_floating_point() or index.shape != (seq.batch,):
        raise ValueError(
            f"target must hold one class a sequence, ({seq.batch},) whole numbers; {index.dtype} of shape "
            f"{tuple(index.shape)} came: give indices into the scores"
        )
    return result.gather(1, index.unsqueeze(1)).squeeze(1), index
