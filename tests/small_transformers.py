"""Small, randomly initialised models of transformers, and a tokenizer without a download."""

from typing import Any

import pytest
import torch
from torch import nn

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "red", "blue", "bird", "sings", "flies", "query", ":", "far", "away"]
WIDTH = 8


def transformers() -> Any:
    return pytest.importorskip("transformers", reason="an optional package, in the extra 'integrations'")


def bert() -> nn.Module:
    t = transformers()
    torch.manual_seed(0)
    config = t.BertConfig(
        vocab_size=len(WORDS),
        hidden_size=WIDTH,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=32,
    )
    model: nn.Module = t.BertModel(config, add_pooling_layer=False).eval()
    return model


def roberta() -> nn.Module:
    """Its positions count from behind the id of padding, as those of XLM-RoBERTa and MPNet do."""
    t = transformers()
    torch.manual_seed(0)
    config = t.RobertaConfig(
        vocab_size=len(WORDS),
        hidden_size=WIDTH,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=32,
        pad_token_id=1,
    )
    model: nn.Module = t.RobertaModel(config, add_pooling_layer=False).eval()
    return model


def gpt2() -> nn.Module:
    t = transformers()
    torch.manual_seed(0)
    config = t.GPT2Config(vocab_size=len(WORDS), n_embd=WIDTH, n_layer=2, n_head=2, n_positions=32)
    model: nn.Module = t.GPT2Model(config).eval()
    return model


def llama() -> nn.Module:
    t = transformers()
    torch.manual_seed(0)
    config = t.LlamaConfig(
        vocab_size=len(WORDS),
        hidden_size=WIDTH,
        intermediate_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=32,
    )
    model: nn.Module = t.LlamaModel(config).eval()
    return model


def t5() -> nn.Module:
    t = transformers()
    torch.manual_seed(0)
    config = t.T5Config(vocab_size=len(WORDS), d_model=WIDTH, d_kv=4, d_ff=16, num_layers=2, num_heads=2)
    model: nn.Module = t.T5EncoderModel(config).eval()
    return model


def tokenizer(padding_side: str = "right") -> Any:
    """One word, one token, with [CLS] and [SEP] around a text."""
    t = transformers()
    tokenizers = pytest.importorskip("tokenizers", reason="an optional package, which transformers brings")
    vocabulary = {word: index for index, word in enumerate(WORDS)}
    words = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token="[UNK]"))
    words.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    words.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return t.PreTrainedTokenizerFast(
        tokenizer_object=words,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        padding_side=padding_side,
        model_max_length=32,
    )
