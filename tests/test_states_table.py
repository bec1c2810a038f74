"""The table of states, row by row: which source a pooler trusts, and what it refuses.

`hidden` is what packing gives: `h_n` of the same network over the packed batch. It is the truth of every test here.
"""

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

import seqpool
from tests.contract.discovery import CASES, WIDTH, Case
from tests.recurrent import LENGTHS, NAMES, layouts, lstm, run

FORWARD = seqpool.LastHiddenPooler(direction="forward")
BACKWARD = seqpool.LastHiddenPooler(direction="backward")
ENDS = [seqpool.BiConcatPooler(), seqpool.BiMergePooler(), FORWARD, BACKWARD]


def both(hidden: tuple[Tensor, Tensor]) -> Tensor:
    return torch.cat([hidden[0][-2], hidden[0][-1]], 1)


# Packed, with h_n: h_n, no read of output.


@pytest.mark.parametrize("pooler", ENDS, ids=str)
def test_packed_with_h_n_reads_no_output(pooler: seqpool.Pooler) -> None:
    batch = run(lstm(2))
    unread = batch.packed._replace(data=torch.full_like(batch.packed.data, float("nan")))
    assert torch.equal(pooler(unread, batch.hidden), pooler(batch.packed))
    assert torch.equal(seqpool.BiConcatPooler()(unread, batch.hidden), both(batch.hidden))


def test_packed_with_h_n_of_one_direction_reads_no_output() -> None:
    batch = run(lstm(1))
    unread = batch.packed._replace(data=torch.full_like(batch.packed.data, float("nan")))
    assert torch.equal(seqpool.LastHiddenPooler()(unread, batch.hidden), batch.hidden[0][-1])


@pytest.mark.parametrize("pooler", ENDS, ids=str)
def test_packed_h_n_and_rows_send_the_same_gradients(pooler: seqpool.Pooler) -> None:
    encoder = nn.LSTM(3, 2, 2, bidirectional=True)
    x = torch.randn(max(LENGTHS), len(LENGTHS), 3, requires_grad=True)
    gradients = []
    for trusted in (True, False):
        output, hidden = encoder(pack_padded_sequence(x, torch.tensor(LENGTHS), enforce_sorted=False))
        pooled = pooler(output, hidden) if trusted else pooler(output)
        gradients.append(torch.autograd.grad(pooled.square().sum(), [x, *encoder.parameters()]))
    for states, rows in zip(*gradients, strict=True):
        assert torch.equal(states, rows)


# Without h_n: the rows at each sequence's own ends.


@pytest.mark.parametrize("layout", NAMES)
def test_without_h_n_each_half_ends_where_it_ends(layout: str) -> None:
    batch = run(lstm(2))
    output, given = layouts(batch)[layout]
    assert torch.equal(seqpool.BiConcatPooler()(output, **given), both(batch.hidden))
    assert torch.equal(FORWARD(output, **given), batch.hidden[0][-2])
    assert torch.equal(BACKWARD(output, **given), batch.hidden[0][-1])


@pytest.mark.parametrize("layout", NAMES)
def test_without_h_n_one_direction_ends_at_the_last_step(layout: str) -> None:
    batch = run(lstm(1))
    output, given = layouts(batch)[layout]
    assert torch.equal(seqpool.LastHiddenPooler()(output, **given), batch.hidden[0][-1])


# LastHiddenPooler() claims one direction, a direction claims two.


@pytest.mark.parametrize("layout", NAMES)
def test_last_hidden_refuses_a_bidirectional_network(layout: str) -> None:
    batch = run(lstm(2))
    output, given = layouts(batch)[layout]
    with pytest.raises(ValueError, match=r"unidirectional RNN, h_n half as wide as output \(4\) came") as caught:
        seqpool.LastHiddenPooler()(output, batch.hidden, **given)
    assert "BiConcatPooler(), or direction='forward' | 'backward'" in str(caught.value)


@pytest.mark.parametrize("layout", NAMES)
@pytest.mark.parametrize("pooler", ENDS, ids=str)
def test_a_direction_refuses_a_unidirectional_network(layout: str, pooler: seqpool.Pooler) -> None:
    batch = run(lstm(1))
    output, given = layouts(batch)[layout]
    with pytest.raises(ValueError, match=r"bidirectional RNN, h_n as wide as output \(4\) came: use LastHiddenPooler"):
        pooler(output, batch.hidden, **given)


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN:UserWarning")
@pytest.mark.parametrize("layout", NAMES)
def test_widths_come_from_the_tensors(layout: str) -> None:
    """A projection makes `h_n` narrower than `hidden_size`, and `c_n` wider than the output."""
    batch = run(nn.LSTM(3, 5, 2, batch_first=True, bidirectional=True, proj_size=2))
    hidden = batch.hidden
    output, given = layouts(batch)[layout]
    assert torch.equal(seqpool.BiConcatPooler()(output, hidden, **given), both(hidden))
    cells = torch.cat([hidden[1][-2], hidden[1][-1]], 1)
    assert torch.equal(seqpool.CellStatePooler(cell_features=10)(output, hidden, **given), cells)


@pytest.mark.parametrize("case", [case for case in CASES if set(case.needs) <= {"h_n", "c_n"}], ids=str)
def test_every_pooler_takes_what_a_packed_network_returns(case: Case) -> None:
    for directions in case.directions:
        batch = run(case.encoder(directions))
        pooler = case.build()
        pooled = pooler(batch.packed, batch.hidden)
        assert pooled.shape == (len(LENGTHS), pooler.out_features(WIDTH))
        torch.testing.assert_close(pooled, pooler(batch.output, batch.hidden, lengths=LENGTHS))


@pytest.mark.parametrize("layout", NAMES)
def test_the_cell_of_every_layout_is_c_n(layout: str) -> None:
    batch = run(lstm(2))
    output, given = layouts(batch)[layout]
    cells = torch.cat([batch.hidden[1][-2], batch.hidden[1][-1]], 1)
    assert torch.equal(seqpool.CellStatePooler()(output, batch.hidden, **given), cells)
