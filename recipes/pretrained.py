"""Models and tokenizers of `transformers`, which is optional: nothing else in the recipes imports it."""

from types import ModuleType

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

    Raises:
        ValueError: `transformers` is not installed, or the tokenizer cannot be loaded.
    """
    transformers = _transformers()
    try:
        loaded = transformers.AutoTokenizer.from_pretrained(path, trust_remote_code=False, use_fast=True)
        tokenizer: Tokenizer = loaded.backend_tokenizer
        tokenizer.no_padding()
        tokenizer.enable_truncation(min(max_tokens, loaded.model_max_length))
    except (OSError, ValueError, KeyError, RuntimeError, ImportError, AttributeError) as error:
        raise ValueError(f"the tokenizer of {path!r} cannot be loaded: {_first_line(error)}") from error
    return tokenizer


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
