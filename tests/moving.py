"""What the lines of "Moving old code" name: a batch in each form, and other libraries' formulas in plain PyTorch."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import seqpool

B, T, D, H, E = 4, 5, 4, 2, 3
LENGTHS = torch.tensor([5, 2, 0, 4])
MASK = torch.arange(T) < LENGTHS.unsqueeze(1)

Names = dict[str, Any]


def steps(width: int, padding: float = 7.0) -> Tensor:
    """Padded rows; sequence 1 has negative steps alone, sequences 0 and 3 have positive ones."""
    x = torch.randn(B, T, width)
    x[1].abs_().neg_()
    x[[0, 3], 0] = x[[0, 3], 0].abs()
    return torch.where(MASK.unsqueeze(2), x, padding)


def names() -> Names:
    """What the lines of the guide may name."""
    x, words = steps(D), steps(E)
    m = MASK.unsqueeze(2)
    left = torch.stack([row.roll(T - n, 0) for row, n in zip(x, LENGTHS.tolist(), strict=True)])
    half = torch.where(m, torch.where(torch.arange(B).view(B, 1, 1) == 0, 20000.0, x), 0).half()
    gru = nn.GRU(E, D, 2, batch_first=True)
    lstm = nn.LSTM(E, H, 2, batch_first=True, bidirectional=True)
    output, (h_n, c_n) = lstm(words)
    some = LENGTHS > 0
    packed = pack_padded_sequence(words[some], LENGTHS[some], batch_first=True, enforce_sorted=False)
    packed_output, (packed_h_n, _) = lstm(packed)
    given = {
        "torch": torch, "pad_packed_sequence": pad_packed_sequence, "B": B, "T": T, "D": D, "H": H,
        "x": x, "words": words, "m": m.float(), "mask": MASK, "lengths": LENGTHS, "padding": ~MASK, "half": half,
        "nans": torch.where(m, x, float("nan")), "left": left, "left_mask": MASK.flip(1),
        "flat": x[MASK], "index": MASK.nonzero()[:, 0], "offsets": nn.functional.pad(LENGTHS.cumsum(0), (1, 0)),
        "gru": gru, "lstm": lstm, "output": output, "h_n": h_n, "c_n": c_n, "attention": seqpool.AttentionPooler(D),
        "packed": packed, "packed_output": packed_output, "packed_h_n": packed_h_n, "far": x[MASK] / 100 + 1000,
        "projected": nn.LSTM(E, 2 * H, 1, batch_first=True, bidirectional=True, proj_size=H),
    }  # fmt: skip  # a table
    return {name: getattr(seqpool, name) for name in seqpool.__all__} | given | THEIRS


# Other libraries' formulas in plain PyTorch, where the library does not install beside today's torch.


def masked_concat_pool(output: Tensor, padding: Tensor, bptt: int) -> Tensor:
    """fastai's pooling of an encoder's last chunk: last, maximum and mean; `padding` is True on padding."""
    hidden = padding.unsqueeze(2)
    last = output[torch.arange(len(output)), -1 - padding[:, -bptt:].sum(1)]
    mean = output.masked_fill(hidden, 0).sum(1) / (~hidden).sum(1)
    return torch.cat([last, output.masked_fill(hidden, -torch.inf).amax(1), mean], 1)


def seq2vec_wrapper(rnn: nn.RNNBase) -> Callable[..., Tensor]:
    """AllenNLP's `PytorchSeq2VecWrapper`: the last column, or the packed run's last states given a mask."""
    directions = 2 if rnn.bidirectional else 1

    def encode(x: Tensor, mask: Tensor | None) -> Tensor:
        if mask is None:
            column: Tensor = rnn(x)[0][:, -1]
            return column
        lengths, some = mask.sum(1), mask.any(1)
        _, states = rnn(pack_padded_sequence(x[some], lengths[some], batch_first=True, enforce_sorted=False))
        h_n = states[0] if isinstance(states, tuple) else states
        ends = x.new_zeros(len(x), directions, h_n.shape[2])
        ends[some] = h_n[-directions:].transpose(0, 1)
        return ends.view(-1, rnn.hidden_size * directions)

    return encode


def bidirectional(
    layer: nn.LSTM, merge_mode: str = "concat", return_sequences: bool = False
) -> Callable[[Tensor], Tensor]:
    """Keras' `Bidirectional` without a mask: each direction over every column, merged."""
    merge: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
        "concat": lambda forward, backward: torch.cat([forward, backward], -1),
        "sum": torch.add,
        "ave": lambda forward, backward: (forward + backward) / 2,
        "mul": torch.mul,
    }

    def run(inputs: Tensor) -> Tensor:
        output, (h_n, _) = layer(inputs)
        return merge[merge_mode](*output.split(H, 2)) if return_sequences else merge[merge_mode](h_n[-2], h_n[-1])

    return run


def bag_of_embeddings(width: int, averaged: bool = False) -> Callable[..., Tensor]:
    """AllenNLP's `BagOfEmbeddingsEncoder` with a mask."""

    def bag(x: Tensor, mask: Tensor) -> Tensor:
        summed = (x * mask.unsqueeze(-1)).sum(1)
        return summed / mask.sum(1).clamp(min=1).unsqueeze(-1) if averaged else summed

    return bag


def cls_pooler(width: int, cls_is_last_token: bool = False) -> Callable[..., Tensor]:
    """AllenNLP's `ClsPooler`: the first column, or the column of as many steps as the mask has."""

    def column(x: Tensor, mask: Tensor) -> Tensor:
        return x[torch.arange(len(x)), mask.sum(1) - 1] if cls_is_last_token else x[:, 0]

    return column


THEIRS: Names = {
    "masked_concat_pool": masked_concat_pool,
    "PytorchSeq2VecWrapper": seq2vec_wrapper,
    "Bidirectional": bidirectional,
    "BagOfEmbeddingsEncoder": bag_of_embeddings,
    "ClsPooler": cls_pooler,
}


def borrow(code: str, given: Names) -> None:
    """Add the names of an installed library that a line uses."""
    if "dim_size=B" in code:
        aggr = pytest.importorskip("torch_geometric.nn.aggr", reason="torch_geometric comes with the development extra")
        given.update({name: getattr(aggr, name) for name in aggr.__all__})
        given["gru_aggregation"], given["lstm_aggregation"] = aggr.GRUAggregation(D, D), aggr.LSTMAggregation(D, D)
        given["set2set"], given["pooler"] = aggr.Set2Set(D, processing_steps=3), seqpool.Set2SetPooler(D)
        weights = given["set2set"].state_dict()
        given["pooler"].load_state_dict({name.removesuffix("_l0"): weight for name, weight in weights.items()})
    if code.startswith("Pooling("):
        given["Pooling"] = pytest.importorskip(
            "sentence_transformers.sentence_transformer.modules",
            reason="sentence-transformers comes with the development extra",
        ).Pooling
        given["features"] = {"token_embeddings": given["nans"], "attention_mask": MASK.long()}
