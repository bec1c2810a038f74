"""Every pair of "Moving old code" in seqpool/README.md: where the old line is wrong, and that the new one is right."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn

from tests.guide import rows
from tests.moving import LENGTHS, Names, borrow, names

Right = Callable[[Names], Tensor]
SHORT, EMPTY, EACH = {1, 2, 3}, {2}, {0, 1, 2, 3}
PACKED = {0, 1, 2}  # the empty sequence cannot be packed


# The right answers, one sequence after the other.


def each(name: str, one: Callable[[Tensor], Tensor]) -> Right:
    """The definition on every sequence by itself, 0 for an empty one."""

    def right(given: Names) -> Tensor:
        sequences = [row[:n] for row, n in zip(given[name], LENGTHS.tolist(), strict=True)]
        pooled = [one(steps) if len(steps) else None for steps in sequences]
        zero = torch.zeros_like(next(row for row in pooled if row is not None))
        return torch.stack([zero if row is None else row for row in pooled])

    return right


def network(name: str, one: Callable[[Tensor, Tensor], Tensor], words: str = "words") -> Right:
    """The network on every sequence by itself: of its output `(n, F)` and `h_n` `(L*dirs, H)`."""

    def right(given: Names) -> Tensor:
        rnn = given[name] if isinstance(given[name], nn.RNNBase) else getattr(given[name], name.split("_")[0])

        def alone(sequence: Tensor) -> Tensor:
            output, states = rnn(sequence.unsqueeze(0))
            h_n = states[0] if isinstance(states, tuple) else states
            return one(output[0], h_n[:, 0])

        return each(words, alone)(given)

    return right


def packed(right: Right) -> Right:
    """Without the sequence that cannot be packed."""
    return lambda given: right(given)[LENGTHS > 0]


def position_mean(steps: Tensor) -> Tensor:
    weights = torch.arange(1.0, len(steps) + 1).unsqueeze(1)
    return (weights * steps).sum(0) / weights.sum()


def asked(given: Names) -> Tensor:
    return each("x", lambda s: given["set2set"](s, torch.zeros(len(s), dtype=torch.long), dim_size=1)[0])(given)


def of_far(one: Callable[[Tensor], Tensor]) -> Right:
    """Of the values far from 0, in float64."""
    return lambda given: each("far_steps", one)(given | {"far_steps": given["x"].div(100).add(1000).double()}).float()


def attended(given: Names) -> Tensor:
    score = given["attention"].score
    return each("x", lambda s: (score(s).softmax(0) * s).sum(0))(given)


last, first = each("x", lambda s: s[-1]), each("x", lambda s: s[0])
mean, largest = each("x", lambda s: s.mean(0)), each("x", lambda s: s.amax(0))
smallest, summed = each("x", lambda s: s.amin(0)), each("x", lambda s: s.sum(0))
half_mean = each("half", lambda s: s.float().mean(0).half())
gru_end, lstm_mean = network("gru", lambda _, h: h[-1]), network("lstm", lambda y, _: y.mean(0))
ends = network("lstm", lambda _, h: torch.cat([h[-2], h[-1]]))
power_mean = each("x", lambda s: s.abs().pow(3).mean(0).pow(1 / 3))
mean_max = each("x", lambda s: torch.cat([s.mean(0), s.amax(0)]))
first_max = each("x", lambda s: torch.cat([s[0], s.amax(0)]))
ulmfit = each("x", lambda s: torch.cat([s[-1], s.amax(0), s.mean(0)]))


@dataclass(frozen=True)
class Case:
    """The right answer, and the rows on which the old line misses it."""

    right: Right
    wrong: set[int]


CASES = {
    "x[:, -1]": Case(last, SHORT),
    "x[torch.arange(len(x)), lengths - 1]": Case(last, EMPTY),
    "left[:, 0]": Case(first, SHORT),
    "x.mean(1)": Case(mean, SHORT),
    "(x * m).sum(1) / m.sum(1)": Case(mean, EMPTY),
    "(nans * m).sum(1) / m.sum(1)": Case(mean, SHORT),
    "(half * m.half()).sum(1) / m.half().sum(1).clamp(min=1e-9)": Case(half_mean, {0, 2}),
    "(nans * m).sum(1)": Case(summed, SHORT),
    "x.max(1).values": Case(largest, SHORT),
    "(x * m).max(1).values": Case(largest, {1}),
    "x.masked_fill(~mask.unsqueeze(2), -1e9).max(1).values": Case(largest, EMPTY),
    "(attention.score(x).masked_fill(~mask.unsqueeze(2), -torch.inf).softmax(1) * x).sum(1)": Case(attended, EMPTY),
    "gru(words)[0][:, -1]": Case(gru_end, SHORT),
    "gru(words)[1][-1]": Case(gru_end, SHORT),
    "lstm(words)[0][:, -1]": Case(ends, EACH),
    "torch.cat([h_n[-2], h_n[-1]], 1)": Case(ends, SHORT),
    "output.mean(1)": Case(lstm_mean, SHORT),
    "packed_h_n[-1]": Case(packed(ends), PACKED),
    "torch.cat([packed_h_n[0], packed_h_n[1]], 1)": Case(packed(ends), PACKED),
    "torch.cat([packed_h_n[-2], packed_h_n[-1]], 1)": Case(packed(ends), set()),
    "packed_h_n.reshape(3, -1)": Case(packed(network("lstm", lambda _, h: h.flatten())), PACKED),
    "pad_packed_sequence(packed_output, batch_first=True)[0][:, -1]": Case(packed(ends), PACKED),
    "Bidirectional(lstm)(words)": Case(ends, SHORT),
    'Bidirectional(lstm, merge_mode="sum")(words)': Case(network("lstm", lambda _, h: h[-2] + h[-1]), SHORT),
    'Bidirectional(lstm, merge_mode="ave")(words)': Case(network("lstm", lambda _, h: h[-2:].mean(0)), SHORT),
    'Bidirectional(lstm, merge_mode="mul")(words)': Case(network("lstm", lambda _, h: h[-2] * h[-1]), SHORT),
    "Bidirectional(lstm, return_sequences=True)(words)[:, -1]": Case(ends, EACH),
    "masked_concat_pool(x, padding, 4)": Case(ulmfit, EMPTY),
    "masked_concat_pool(left, ~left_mask, 4)": Case(ulmfit, {1, 2}),
    "PytorchSeq2VecWrapper(gru)(words, None)": Case(gru_end, SHORT),
    "PytorchSeq2VecWrapper(lstm)(words, None)": Case(ends, EACH),
    "PytorchSeq2VecWrapper(lstm)(words, mask)": Case(ends, set()),
    "PytorchSeq2VecWrapper(projected)(words, mask)": Case(network("projected", lambda _, h: h.flatten()), EACH),
    "BagOfEmbeddingsEncoder(D)(nans, mask)": Case(summed, SHORT),
    "BagOfEmbeddingsEncoder(D, averaged=True)(nans, mask)": Case(mean, SHORT),
    "ClsPooler(D)(left, left_mask)": Case(first, SHORT),
    "ClsPooler(D, cls_is_last_token=True)(left, left_mask)": Case(last, SHORT),
    "MeanAggregation()(flat, index, dim_size=B)": Case(mean, set()),
    "SumAggregation()(flat, index, dim_size=B)": Case(summed, set()),
    "MaxAggregation()(flat, index, dim_size=B)": Case(largest, set()),
    "MinAggregation()(flat, index, dim_size=B)": Case(smallest, set()),
    "AttentionalAggregation(attention.score)(flat, index, dim_size=B)": Case(attended, set()),
    'MultiAggregation(["mean", "max"])(flat, index, dim_size=B)': Case(mean_max, set()),
    "SoftmaxAggregation()(flat, index, dim_size=B)": Case(each("x", lambda s: (s.softmax(0) * s).sum(0)), set()),
    "MedianAggregation()(flat, index, dim_size=B)": Case(each("x", lambda s: s.median(0).values), set()),
    "QuantileAggregation(0.25)(flat, index, dim_size=B)": Case(each("x", lambda s: s.quantile(0.25, 0)), set()),
    "PowerMeanAggregation(3.0)(flat.abs(), index, dim_size=B)": Case(power_mean, EMPTY),
    "VarAggregation()(far, index, dim_size=B)": Case(of_far(lambda s: s.var(0, correction=0)), {0, 1, 3}),
    "StdAggregation()(far, index, dim_size=B)": Case(of_far(lambda s: s.std(0, correction=0)), {0, 1, 3}),
    "set2set(flat, index, dim_size=B)": Case(asked, EMPTY),
    "gru_aggregation(flat, index, dim_size=B)": Case(network("gru_aggregation", lambda _, h: h[-1], "x"), SHORT),
    "lstm_aggregation(flat, index, dim_size=B)": Case(network("lstm_aggregation", lambda _, h: h[-1], "x"), SHORT),
    'Pooling(D, "mean")(features)["sentence_embedding"]': Case(mean, SHORT),
    'Pooling(D, "mean_sqrt_len_tokens")(features)["sentence_embedding"]':
        Case(each("x", lambda s: s.sum(0) / len(s) ** 0.5), SHORT),
    'Pooling(D, "weightedmean")(features)["sentence_embedding"]': Case(each("x", position_mean), SHORT),
    'Pooling(D, "max")(features)["sentence_embedding"]': Case(largest, EMPTY),
    'Pooling(D, "cls")(features)["sentence_embedding"]': Case(first, EMPTY),
    'Pooling(D, "lasttoken")(features)["sentence_embedding"]': Case(last, EMPTY),
    'Pooling(D, ("cls", "max"))(features)["sentence_embedding"]': Case(first_max, EMPTY),
}  # fmt: skip  # a table


def code(cell: str) -> str:
    """The first code in a cell."""
    found = re.match(r"`([^`]+)`", cell)
    assert found, cell
    return found[1]


PAIRS = {code(row[0]): row for row in rows("Moving old code")}


def test_every_pair_of_the_guide_is_run() -> None:
    assert list(PAIRS) == list(CASES)


def wrong_rows(pooled: Tensor, right: Tensor) -> set[int]:
    """Rows that differ; all of them where the shape does."""
    if pooled.shape != right.shape:
        return set(range(len(right)))
    near = torch.isclose(pooled, right, rtol=1e-3 if right.dtype == torch.float16 else 1e-5, atol=1e-6).all(1)
    return set((~near).nonzero().flatten().tolist())


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN:UserWarning")
@pytest.mark.parametrize("old", CASES)
def test_the_old_line_goes_wrong_and_the_new_one_is_right(old: str) -> None:
    case, (_, when, new) = CASES[old], PAIRS[old]
    given = names()
    borrow(old, given)
    with torch.no_grad():
        right = case.right(given)
        assert wrong_rows(eval(old, given), right) == case.wrong
        assert wrong_rows(eval(code(new), given), right) == set()
    assert when.startswith("never") == (not case.wrong)
    assert when.startswith("always") == (len(case.wrong) == len(right))


def test_float16_cannot_hold_the_usual_fill() -> None:
    given = names()
    with pytest.raises(RuntimeError, match="without overflow"):
        given["half"].masked_fill(~given["mask"].unsqueeze(2), -1e9)
