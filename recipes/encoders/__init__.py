"""Encoders by name: what stands between a text's embeddings and its pooler."""

from recipes.encoders.base import Encoder, EncoderFactory
from recipes.encoders.convolution import Convolution
from recipes.encoders.gru import GRU
from recipes.encoders.lstm import LSTM
from recipes.encoders.none import NoEncoder
from recipes.encoders.pretrained import Pretrained
from recipes.encoders.rnn import RNN
from recipes.encoders.transformer import Transformer

ENCODERS: tuple[type[Encoder], ...] = (Convolution, GRU, LSTM, NoEncoder, Pretrained, RNN, Transformer)
"""Every encoder that a recipe can be given by name."""

__all__ = [
    "ENCODERS",
    "GRU",
    "LSTM",
    "RNN",
    "Convolution",
    "Encoder",
    "EncoderFactory",
    "NoEncoder",
    "Pretrained",
    "Transformer",
]
