"""Models and tokenizers of `transformers`, which is optional: nothing else in the recipes imports it."""

import sys
from types import ModuleType

import torch
from tokenizers import Tokenizer
from torch import nn


def load_model(path: str) -> nn.Module:
    """A base model in fp32, from a folder or the hub; none of its code is trusted, safetensors are preferred.

    Raises:
        ValueError: `transformers` is not installed, or the model cannot be loaded.
    """
    transformers = _transformers()
    try:
        # The dtype of the file would be half precision for some; mixed precision is the trainer's affair.
        model: nn.Module = transformers.AutoModel.from_pretrained(path, trust_remote_code=False, dtype="float32")
    except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
        raise ValueError(f"the model {path!r} cannot be loaded: {_first_line(error)}") from error
    if isinstance(getattr(model, "pooler", None), nn.Module):
        # Its own pooler would stand idle, and DistributedDataParallel refuses weights that do.
        model.register_module("pooler", None)
    return model


def load_tokenizer(path: str, *, max_tokens: int) -> Tokenizer:
    """The tokenizer of a pretrained model, its special tokens put in, longer texts cut inside them.

    A text is cut to what the tokenizer and the model's positions allow, too.

    Raises:
        ValueError: `transformers` is not installed, or the tokenizer or the model's configuration cannot be loaded.
    """
    transformers = _transformers()
    try:
        loaded = transformers.AutoTokenizer.from_pretrained(path, trust_remote_code=False, use_fast=True)
        tokenizer: Tokenizer = loaded.backend_tokenizer
        tokenizer.no_padding()
        tokenizer.enable_truncation(min(max_tokens, loaded.model_max_length, _positions(transformers, path)))
    except (OSError, ValueError, KeyError, RuntimeError, ImportError, AttributeError) as error:
        raise ValueError(f"the tokenizer of {path!r} cannot be loaded: {_first_line(error)}") from error
    return tokenizer


def _positions(transformers: ModuleType, path: str) -> int:
    """Longest text that a model has positions for; one without such a limit has as many as a computer counts."""
    config = transformers.AutoConfig.from_pretrained(path, trust_remote_code=False)
    limit = getattr(config, "max_position_embeddings", None)
    if limit is None or limit < 1:
        return sys.maxsize
    with torch.device("meta"):
        model: nn.Module = transformers.AutoModel.from_config(config, trust_remote_code=False)
    tables = [table for name, table in model.named_modules() if name.endswith("position_embeddings")]
    # RoBERTa and its kin keep the rows up to that of padding.
    taken = [int(table.padding_idx) + 1 for table in tables if getattr(table, "padding_idx", None) is not None]
    return int(limit) - max(taken, default=0)


def _transformers() -> ModuleType:
    try:
        import transformers
    except ImportError as error:
        raise ValueError(
            "a pretrained encoder needs the package transformers, which is not installed: "
            "pip install 'seqpool[integrations]'"
        ) from error
    module: ModuleType = transformers
    return module


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
