"""A text classifier, embedding + bidirectional LSTM + pooler + head, and four ways to run it that give the same."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import seqpool
from benchmarks.throughput.subjects import masked_mean
from seqpool.reversed_rnn import run_reversed

WORDS, FEATURES, CLASSES = 5000, 100, 4


class Classifier(nn.Module):
    """The parameters; the ways below say how they are run."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(WORDS, FEATURES)
        self.rnn = nn.LSTM(FEATURES, hidden, batch_first=True, bidirectional=True)
        self.encoder = seqpool.RNNEncoder(self.rnn, seqpool.MaskedMeanPooler())
        self.head = nn.Linear(2 * hidden, CLASSES)


Way = Callable[[Classifier, Tensor, Tensor], Tensor]


def encoder(network: Classifier, tokens: Tensor, lengths: Tensor) -> Tensor:
    """`RNNEncoder`, which picks its own route."""
    logits: Tensor = network.head(network.encoder(network.embedding(tokens), lengths))
    return logits


def textbook(network: Classifier, tokens: Tensor, lengths: Tensor) -> Tensor:
    """Pack, run, unpack, mask."""
    packed = pack_padded_sequence(network.embedding(tokens), lengths, batch_first=True, enforce_sorted=False)
    output, counts = pad_packed_sequence(network.rnn(packed)[0], batch_first=True)
    mask = torch.arange(output.shape[1], device=output.device) < counts.to(output.device).unsqueeze(1)
    logits: Tensor = network.head(masked_mean(output, mask))
    return logits


def packed_rows(network: Classifier, tokens: Tensor, lengths: Tensor) -> Tensor:
    """Pack, run, and pool the packed rows where they lie."""
    packed = pack_padded_sequence(network.embedding(tokens), lengths, batch_first=True, enforce_sorted=False)
    logits: Tensor = network.head(network.encoder.pooler(*network.rnn(packed)))
    return logits


def padded_rows(network: Classifier, tokens: Tensor, lengths: Tensor) -> Tensor:
    """Run each direction over padded rows, the backward one reversed within each sequence, and pool them there."""
    x = network.embedding(tokens)
    zeros = x.new_zeros(2, x.shape[0], network.rnn.hidden_size)
    counts = lengths.to(x.device, non_blocking=True)
    output = run_reversed(network.rnn, x, counts, (zeros, zeros), cells=False)[0]
    logits: Tensor = network.head(network.encoder.pooler(output, lengths=lengths))
    return logits


ENCODER, TEXTBOOK = "RNNEncoder", "textbook: pack, run, unpack, mask"
WAYS: dict[str, Way] = {
    ENCODER: encoder,
    TEXTBOOK: textbook,
    "packed rows": packed_rows,
    "padded rows": padded_rows,
}


def alone(network: Classifier, tokens: Tensor, lengths: Tensor) -> Tensor:
    """The definition: each text by itself, without padding."""
    vectors = []
    for text, steps in zip(tokens, lengths.tolist(), strict=True):
        output = network.rnn(network.embedding(text[:steps]).unsqueeze(0))[0]
        vectors.append(output[0].mean(0))
    logits: Tensor = network.head(torch.stack(vectors))
    return logits
