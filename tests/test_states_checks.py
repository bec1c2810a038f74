"""The table of states, its checked rows: an `h_n` that shows a run over padding is never pooled in silence."""

import re
from typing import Any

import pytest
import torch
from torch import Tensor

import seqpool
from tests.contract.discovery import CASES, EVERY_VERB, Case
from tests.recurrent import LENGTHS, NAMES, layouts, lstm, run

SHORT = [0, 3]  # the sequences with padding, of lengths 2 and 3
CURES = [
    "the RNN ran over padding, or output was changed after it",
    "Pack the input (pack_padded_sequence) or use seqpool.RNNEncoder",
    "drop h_n",
]
STATEFUL = [case for case in CASES if set(case.needs) <= {"h_n", "c_n"}]
"""Poolers that a network's output and states suffice for."""
BOTH_WAYS = [case for case in STATEFUL if 2 in case.directions]
UNPACKED = [name for name in NAMES if name != "packed"]


def refuses(pooler: Any, output: Any, h_n: Any, given: dict[str, Any], wrong: list[int] = SHORT) -> None:
    with pytest.raises(ValueError, match="h_n must agree with output at each sequence's own ends") as caught:
        pooler(output, h_n, **given)
    message = str(caught.value)
    assert f"it does not for {len(wrong)} of {len(LENGTHS)} sequences (first: {wrong})" in message
    assert [cure for cure in CURES if cure not in message] == []


@pytest.mark.parametrize("case", BOTH_WAYS, ids=str)
def test_every_pooler_refuses_a_bidirectional_run_over_padding(case: Case) -> None:
    batch = run(case.encoder(2))
    refuses(case.build(), batch.careless, batch.careless_hidden, {"lengths": LENGTHS})


@pytest.mark.parametrize("layout", UNPACKED)
def test_a_run_over_padding_is_seen_in_every_layout(layout: str) -> None:
    batch = run(lstm(2))
    output, given = layouts(batch, careless=True)[layout]
    refuses(seqpool.MaskedMeanPooler(), output, batch.careless_hidden, given)


@pytest.mark.parametrize("layout", NAMES)
@pytest.mark.parametrize("case", BOTH_WAYS, ids=str)
def test_an_h_n_that_agrees_changes_nothing(case: Case, layout: str) -> None:
    batch = run(case.encoder(2))
    output, given = layouts(batch)[layout]
    pooler = case.build()
    if case.needs:
        torch.testing.assert_close(pooler(output, batch.hidden, **given), pooler(batch.packed, batch.hidden))
    else:
        assert torch.equal(pooler(output, batch.hidden, **given), pooler(output, **given))


def test_h_n_alone_of_an_lstm_is_checked_as_well() -> None:
    batch = run(lstm(2))
    refuses(seqpool.MaskedMeanPooler(), batch.careless, batch.careless_hidden[0], {"lengths": LENGTHS})


def test_output_changed_after_the_network_is_refused() -> None:
    batch = run(lstm(2))
    refuses(seqpool.BiConcatPooler(), batch.output * 2, batch.hidden, {"lengths": LENGTHS}, [0, 1, 2, 3])
    assert torch.equal(seqpool.BiConcatPooler()(batch.output * 2, lengths=LENGTHS), 2 * ends(batch.hidden[0]))


def ends(h_n: Tensor) -> Tensor:
    return torch.cat([h_n[-2], h_n[-1]], 1)


@pytest.mark.parametrize("half", [-2, -1])
def test_either_half_alone_gives_it_away(half: int) -> None:
    batch = run(lstm(2))
    h_n = batch.hidden[0].detach().clone()
    h_n[half, 1, 0] += 0.01
    refuses(seqpool.MaskedMaxPooler(), batch.output, h_n, {"lengths": LENGTHS}, [1])


def test_lower_layers_are_not_taken_for_the_last() -> None:
    """A lower layer is in no cell of output: nothing to compare it with, and no reason to refuse."""
    batch = run(lstm(2))
    h_n = batch.hidden[0].detach().clone()
    h_n[:2] = 7
    assert torch.equal(seqpool.BiConcatPooler()(batch.output, h_n, lengths=LENGTHS), ends(h_n))


def test_nan_equals_nan() -> None:
    batch = run(lstm(2))
    output, h_n = batch.output.detach().clone(), batch.hidden[0].detach().clone()
    output[1, -1, :2] = h_n[-2, 1] = float("nan")
    pooled = seqpool.BiConcatPooler()(output, h_n, lengths=LENGTHS)
    assert pooled[1, :2].isnan().all()
    assert torch.equal(pooled[::2], ends(batch.hidden[0])[::2])
    h_n[-2, 1] = 0
    refuses(seqpool.BiConcatPooler(), output, h_n, {"lengths": LENGTHS}, [1])


def test_empty_sequences_have_nothing_to_agree_on() -> None:
    batch = run(lstm(2))
    lengths = [0, 5, 5, 0]
    pooled = seqpool.BiConcatPooler()(batch.careless, batch.careless_hidden, lengths=lengths)
    assert torch.equal(pooled[0], torch.zeros(4))
    torch.testing.assert_close(pooled[1:3], ends(batch.hidden[0])[1:3])


@pytest.mark.parametrize(
    ("dtype", "within", "beyond"),
    [
        (torch.float16, 5e-4, 4e-3), (torch.bfloat16, 8e-3, 6e-2), (torch.float32, 5e-7, 1e-4),
        (torch.float64, 1e-8, 1e-6),
    ],
)  # fmt: skip  # a table
def test_agreement_is_to_the_tolerance_of_the_dtype(dtype: torch.dtype, within: float, beyond: float) -> None:
    output = torch.ones(len(LENGTHS), 5, 4, dtype=dtype)
    h_n = torch.ones(2, len(LENGTHS), 2, dtype=torch.float64)
    pooler = seqpool.BiConcatPooler()
    assert pooler(output, (h_n * (1 + within)).to(dtype), lengths=LENGTHS).dtype == dtype
    refuses(pooler, output, (h_n * (1 + beyond)).to(dtype), {"lengths": LENGTHS}, [0, 1, 2, 3])


# In a graph, where a check would have to wait for the device: in the base's `forward`, which is every pooler's.

IN_A_GRAPH = [
    pytest.param(case, marks=() if case.needs or case in EVERY_VERB else pytest.mark.full) for case in BOTH_WAYS
]


@torch.no_grad()
@pytest.mark.parametrize("case", IN_A_GRAPH, ids=str)
def test_in_a_graph_the_offending_rows_become_nan(case: Case) -> None:
    batch = run(case.encoder(2))
    pooler = case.build()
    torch._dynamo.reset()
    compiled = torch.compile(pooler, backend="aot_eager", fullgraph=True)
    right = pooler(batch.packed, batch.hidden)
    pooled = compiled(batch.careless, batch.careless_hidden, lengths=torch.tensor(LENGTHS))
    assert pooled[SHORT].isnan().all()
    torch.testing.assert_close(pooled[1:3], right[1:3])
    torch.testing.assert_close(compiled(batch.output, batch.hidden, lengths=torch.tensor(LENGTHS)), right)


# One direction: the rows are right even over padding; what is in no row is checked.

ONE_WAY = [case for case in STATEFUL if 1 in case.directions]


@pytest.mark.parametrize("case", [case for case in ONE_WAY if not case.needs], ids=str)
def test_one_direction_over_padding_is_right(case: Case) -> None:
    batch = run(case.encoder(1))
    pooler = case.build()
    torch.testing.assert_close(
        pooler(batch.careless, batch.careless_hidden, lengths=LENGTHS), pooler(batch.packed, batch.hidden)
    )


@torch.no_grad()
@pytest.mark.parametrize("case", [case for case in ONE_WAY if case.needs], ids=str)
def test_one_direction_over_padding_spoils_what_is_in_no_row(case: Case) -> None:
    batch = run(case.encoder(1))
    pooler = case.build()
    refuses(pooler, batch.careless, batch.careless_hidden, {"lengths": LENGTHS})
    torch.testing.assert_close(pooler(batch.output, batch.hidden, lengths=LENGTHS), pooler(batch.packed, batch.hidden))
    torch._dynamo.reset()
    compiled = torch.compile(pooler, backend="aot_eager", fullgraph=True)
    mine = compiled(batch.careless, batch.careless_hidden, lengths=torch.tensor(LENGTHS))
    assert mine[SHORT].isnan().all()
    torch.testing.assert_close(mine[1:3], pooler(batch.packed, batch.hidden)[1:3])


def test_the_message_reads_well() -> None:
    batch = run(lstm(2))
    with pytest.raises(ValueError, match=re.escape("for 2 of 4 sequences (first: [0, 3])")):
        seqpool.LastHiddenPooler(direction="forward")(batch.careless, batch.careless_hidden, lengths=LENGTHS)
