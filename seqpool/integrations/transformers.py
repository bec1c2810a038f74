"""Poolers over transformers' models, and over `torch.nn`'s own.

`nn.TransformerEncoder` takes its padding inverted: True in `src_key_padding_mask` is padding, True in a pooler's mask
is a real step.

>>> layer = torch.nn.TransformerEncoderLayer(8, nhead=2, batch_first=True)
>>> encoder = torch.nn.TransformerEncoder(layer, num_layers=2, enable_nested_tensor=False).eval()
>>> key_padding_mask = torch.tensor([[False, False, True], [False, True, True]])
>>> output = encoder(torch.randn(2, 3, 8), src_key_padding_mask=key_padding_mask)
>>> MaskedMeanPooler()(output, mask=~key_padding_mask).shape
torch.Size([2, 8])

A padding mask of floats is refused; one of bools cannot be told from a mask of real steps, so mind the `~`:

>>> additive = torch.zeros(2, 3).masked_fill(key_padding_mask, float("-inf"))
>>> MaskedMeanPooler()(output, mask=additive)  # doctest: +ELLIPSIS
Traceback (most recent call last):
    ...
ValueError: mask must be bool or 0/1 with 1 = a real step, values from -inf to 0.0 came: ...
"""

import inspect
from typing import Protocol, final

import torch
from torch import Tensor, nn

from seqpool.poolers.base import Pooler


class ModelOutput(Protocol):
    """What transformers' encoders and decoders return."""

    last_hidden_state: Tensor


def pool_output(pooler: Pooler, output: ModelOutput, attention_mask: Tensor) -> Tensor:
    r"""Pool the last hidden states of a transformers model, padded on either side.

    .. math:: y_b = pooler(\{h_{b,t} : m_{b,t} = 1\})

    Source: this library; `last_hidden_state` and `attention_mask` of transformers
    (https://huggingface.co/docs/transformers/main_classes/output).

    Args:
        pooler: any pooler that steps alone suffice for.
        output: what the model returned.
        attention_mask: the tokenizer's, 1 = a real token.

    Shape:
        last_hidden_state `(B, T, D)`; attention_mask `(B, T)` -> `(B, F)`.

    Raises:
        TypeError: `output` has no `last_hidden_state`, as the heads of `AutoModelFor...` have none.
        ValueError: the mask is not as wide as the states, or additive.

    Example:
        >>> from types import SimpleNamespace
        >>> output = SimpleNamespace(last_hidden_state=torch.tensor([[[9.0], [1.0], [3.0]]]))
        >>> pool_output(LastPooler(), output, torch.tensor([[0, 1, 1]])).tolist()
        [[3.0]]
    """
    states = getattr(output, "last_hidden_state", None)
    if not isinstance(states, Tensor):
        raise TypeError(
            f"output must have a last_hidden_state, a {type(output).__name__} came: take the base model (AutoModel), "
            "or pass hidden_states[-1] to the pooler"
        )
    pooled: Tensor = pooler(states, mask=attention_mask)
    return pooled


def position_ids(attention_mask: Tensor) -> Tensor:
    r"""Count the real tokens of each text from 0, so that left padding does not shift their positions.

    .. math:: p_{b,t} = \max(0, \sum_{s \le t} m_{b,s} - 1)

    A model that learned absolute positions (BERT, GPT-2) gives a left-padded text another result without them.

    Source: this library.

    Args:
        attention_mask: 1 = a real token.

    Shape:
        `(B, T)` -> `(B, T)`, int64; 0 on padding to the left.

    Example:
        >>> position_ids(torch.tensor([[0, 0, 1, 1], [1, 1, 1, 0]])).tolist()
        [[0, 0, 0, 1], [0, 1, 2, 2]]
    """
    return (attention_mask.to(torch.int64).cumsum(1) - 1).clamp(min=0)


@final
class PooledTransformer(nn.Module):
    r"""Run a transformers model and pool its last hidden states; the padding may lie on either side.

    .. math:: y_b = pooler(model(ids_{b,1}, \dots, ids_{b,n_b}))

    A model whose `forward` takes `position_ids` gets them counted over the real tokens (`position_ids`), from the
    place where its own counting starts: 0, or behind the row of padding in the family of RoBERTa.

    Source: this library.

    Args:
        model: a base model of transformers, as `AutoModel` gives it.
        pooler: any pooler that steps alone suffice for.

    Shape:
        input_ids and attention_mask `(B, T)` -> `(B, F)`.

    Raises:
        TypeError: `pooler` is none, or the model returns no `last_hidden_state`.
        ValueError: the pooler needs states, weights or a query.

    Example:
        >>> from transformers import BertConfig, BertModel
        >>> config = BertConfig(vocab_size=50, hidden_size=8, num_hidden_layers=1, num_attention_heads=2)
        >>> encoder = PooledTransformer(BertModel(config, add_pooling_layer=False), AttentionPooler(8))
        >>> encoder(torch.randint(50, (2, 5)), torch.tensor([[1, 1, 1, 1, 1], [0, 0, 1, 1, 1]])).shape
        torch.Size([2, 8])
    """

    def __init__(self, model: nn.Module, pooler: Pooler) -> None:
        super().__init__()
        if not isinstance(pooler, Pooler):
            raise TypeError(f"pooler must be a seqpool Pooler, a {type(pooler).__name__} came: MaskedMeanPooler()?")
        if pooler.needs:
            raise ValueError(
                f"the pooler must need nothing but steps, {type(pooler).__name__} needs {' and '.join(pooler.needs)}: "
                "call model and pooler yourself"
            )
        self.model = model
        self.pooler = pooler
        self._counts_positions = "position_ids" in inspect.signature(model.forward).parameters
        self._first_position = _first_position(model)

    @property
    def out_features(self) -> int:
        """Width F of the result."""
        width = getattr(self.model.config, "hidden_size", None)
        if not isinstance(width, int):
            raise TypeError(f"the model's config must tell hidden_size, {type(self.model.config).__name__} does not")
        return self.pooler.out_features(width)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Encode and pool, `(B, F)`."""
        if self._counts_positions:
            places = position_ids(attention_mask) + self._first_position
            output = self.model(input_ids, attention_mask=attention_mask, position_ids=places)
        else:
            output = self.model(input_ids, attention_mask=attention_mask)
        return pool_output(self.pooler, output, attention_mask)


def _first_position(model: nn.Module) -> int:
    """The position of a text's first token: RoBERTa and its kin keep a row of their position table for padding."""
    for name, module in model.named_modules():
        if name.endswith("position_embeddings") and getattr(module, "padding_idx", None) is not None:
            return int(module.padding_idx) + 1
    return 0
