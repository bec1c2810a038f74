"""Classifiers as textbooks and old code write them, and the same done right: what `seqpool.testing` is tried on."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from seqpool import BiConcatPooler

Head = Callable[[Tensor, Tensor, Tensor], Tensor]
WIDTH = 6


def step_mask(x: Tensor, lengths: Tensor) -> Tensor:
    return torch.arange(x.shape[1]) < lengths.unsqueeze(1)


class RNNClassifier(nn.Module):
    """A recurrent network over token ids, packed or not, and `read`, what takes one vector from output and h_n."""

    def __init__(self, read: Head, *, packed: bool, bidirectional: bool = False) -> None:
        super().__init__()
        self.embedding = nn.Embedding(20, WIDTH)
        self.rnn = nn.GRU(WIDTH, WIDTH, 2, batch_first=True, bidirectional=bidirectional)
        self.head = nn.LazyLinear(2)
        self.read, self.packed = read, packed

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        x = self.embedding(ids)
        if self.packed:
            packed = pack_padded_sequence(x, lengths.clamp(min=1), batch_first=True, enforce_sorted=False)
            output, h_n = self.rnn(packed)
            output = pad_packed_sequence(output, batch_first=True, total_length=ids.shape[1])[0]
        else:
            output, h_n = self.rnn(x)
        logits: Tensor = self.head(torch.where(lengths.unsqueeze(1) > 0, self.read(output, h_n, lengths), 0))
        return logits


class SortedRNN(nn.Module):
    """Sorts by length to pack, as `enforce_sorted=True` asks, and never puts the rows back."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.GRU(WIDTH, WIDTH, batch_first=True)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        lengths, order = lengths.sort(descending=True)
        h_n: Tensor = self.rnn(pack_padded_sequence(x[order], lengths, batch_first=True))[1]
        return h_n[-1]


class NormalisedMean(nn.Module):
    """Batch statistics over the pooled rows."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(WIDTH, momentum=0.0)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        normalised: Tensor = self.norm(masked_mean(x, lengths))
        return normalised


class NaNGradient(nn.Module):
    """The value of an empty row is selected after 0/0, so that its gradient is NaN."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(WIDTH))

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        return torch.where(lengths.unsqueeze(1) > 0, self.gain * unclamped_mean(x, lengths), 0)


class Encoder(nn.Module):
    """`nn.TransformerEncoder` over token ids with the masked mean, with or without its `key_padding_mask`."""

    def __init__(self, *, masked: bool) -> None:
        super().__init__()
        self.embedding, self.masked = nn.Embedding(20, WIDTH), masked
        layer = nn.TransformerEncoderLayer(WIDTH, 2, 8, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        output = self.encoder(self.embedding(ids), src_key_padding_mask=~mask if self.masked else None)
        return torch.where(mask.unsqueeze(2), output, 0).sum(1) / mask.sum(1, keepdim=True).clamp(min=1)


def last_column(output: Tensor, h_n: Tensor, lengths: Tensor) -> Tensor:
    return output[:, -1]


def last_state(output: Tensor, h_n: Tensor, lengths: Tensor) -> Tensor:
    return h_n[-1]


def both_last_states(output: Tensor, h_n: Tensor, lengths: Tensor) -> Tensor:
    return torch.cat([h_n[-2], h_n[-1]], 1)


def states_reshaped(output: Tensor, h_n: Tensor, lengths: Tensor) -> Tensor:
    return h_n.reshape(h_n.shape[1], -1)


def own_last_step(output: Tensor, h_n: Tensor, lengths: Tensor) -> Tensor:
    return output[torch.arange(len(output)), lengths.clamp(min=1) - 1]


def own_ends(output: Tensor, h_n: Tensor, lengths: Tensor) -> Tensor:
    ends: Tensor = BiConcatPooler()(output, lengths=lengths)
    return ends


def mean_over_steps(x: Tensor, lengths: Tensor) -> Tensor:
    return x.mean(1)


def last_of_steps(x: Tensor, lengths: Tensor) -> Tensor:
    return x[:, -1]


def one_too_far(x: Tensor, lengths: Tensor) -> Tensor:
    return x[torch.arange(len(x)), lengths.clamp(max=x.shape[1] - 1)]


def sum_over_t(x: Tensor, lengths: Tensor) -> Tensor:
    return (x * step_mask(x, lengths).unsqueeze(2)).sum(1) / x.shape[1]


def unclamped_mean(x: Tensor, lengths: Tensor) -> Tensor:
    return torch.where(step_mask(x, lengths).unsqueeze(2), x, 0).sum(1) / lengths.unsqueeze(1)


def multiplied_mean(x: Tensor, lengths: Tensor) -> Tensor:
    return (x * step_mask(x, lengths).unsqueeze(2)).sum(1) / lengths.clamp(min=1).unsqueeze(1)


def masked_mean(x: Tensor, lengths: Tensor) -> Tensor:
    return torch.where(step_mask(x, lengths).unsqueeze(2), x, 0).sum(1) / lengths.clamp(min=1).unsqueeze(1)


def filled_maximum(x: Tensor, lengths: Tensor) -> Tensor:
    return x.masked_fill(~step_mask(x, lengths).unsqueeze(2), -1e9).amax(1)


def infinite_maximum(x: Tensor, lengths: Tensor) -> Tensor:
    return x.masked_fill(~step_mask(x, lengths).unsqueeze(2), float("-inf")).amax(1)


def filled_attention(x: Tensor, lengths: Tensor) -> Tensor:
    scores = x[..., 0].masked_fill(~step_mask(x, lengths), -1e9)
    return (scores.softmax(1).unsqueeze(2) * x).sum(1)


def infinite_attention(x: Tensor, lengths: Tensor) -> Tensor:
    scores = x[..., 0].masked_fill(~step_mask(x, lengths), float("-inf"))
    return (scores.softmax(1).unsqueeze(2) * x).sum(1)


def centred_mean(x: Tensor, lengths: Tensor) -> Tensor:
    pooled = masked_mean(x, lengths)
    return pooled - pooled.mean(0)


def cancelled(x: Tensor, lengths: Tensor) -> Tensor:
    # No value moves, but what is subtracted with its own detached self still sends its gradient to padding.
    return masked_mean(x, lengths) + (x - x.detach()).sum(1)


def first_of_mask(x: Tensor, mask: Tensor) -> Tensor:
    return x[:, 0]


def own_first(x: Tensor, mask: Tensor) -> Tensor:
    return torch.where(mask.any(1, keepdim=True), x[torch.arange(len(x)), mask.int().argmax(1)], 0)


def lengths_of_mask(x: Tensor, mask: Tensor) -> Tensor:
    return x[torch.arange(len(x)), mask.sum(1) - 1]


def positions_from_the_left(x: Tensor, mask: Tensor) -> Tensor:
    weights = torch.arange(1.0, x.shape[1] + 1) * mask
    return (weights.unsqueeze(2) * x).sum(1) / weights.sum(1, keepdim=True).clamp(min=1e-9)


def drops_empties(x: Tensor, lengths: Tensor) -> Tensor:
    return masked_mean(x, lengths)[lengths > 0]
