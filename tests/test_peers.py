"""What other libraries get wrong is right here.

Beside each of our results stands the rival's formula in plain PyTorch, so that the fault is seen, not quoted.
"""

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

import seqpool
from tests.recurrent import LENGTHS, lstm, run

NAN = float("nan")
MEAN, MAX = seqpool.MaskedMeanPooler(), seqpool.MaskedMaxPooler()


def masked_mean(x: Tensor, mask: Tensor) -> Tensor:
    """The common formula of sentence-embedding libraries."""
    weight = mask.unsqueeze(-1).to(x.dtype)
    return (x * weight).sum(1) / weight.sum(1).clamp(min=1e-9)


# sentence-transformers


def test_nan_in_padding_does_not_reach_the_mean() -> None:
    x = torch.tensor([[[1.0], [3.0], [NAN]]], requires_grad=True)
    mask = torch.tensor([[1, 1, 0]])
    assert masked_mean(x, mask).isnan().all()
    pooled = MEAN(x, mask=mask)
    assert pooled.tolist() == [[2.0]]
    assert torch.autograd.grad(pooled.sum(), x)[0].flatten().tolist() == [0.5, 0.5, 0.0]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_an_empty_row_in_half_precision_is_zero(dtype: torch.dtype) -> None:
    x = torch.ones(2, 3, 4, dtype=dtype)
    mask = torch.tensor([[1, 1, 0], [0, 0, 0]])
    if dtype == torch.float16:  # 1e-9 is 0 there
        assert masked_mean(x, mask)[1].isnan().all()
    for pooler in (MEAN, MAX, seqpool.LastPooler(), seqpool.BiConcatPooler(), seqpool.AttentionPooler(4).to(dtype)):
        pooled = pooler(x, mask=mask)
        assert torch.equal(pooled[1], torch.zeros_like(pooled[1]))
        assert pooled[0].isfinite().all()


def test_a_long_mean_in_float16_does_not_overflow() -> None:
    x = torch.full((1, 1000, 2), 100.0, dtype=torch.float16)
    mask = torch.ones(1, 1000)
    assert masked_mean(x, mask).isinf().all()
    assert MEAN(x, mask=mask).tolist() == [[100.0, 100.0]]


def test_the_padding_side_changes_nothing() -> None:
    steps = torch.randn(3, 4)
    right = torch.cat([steps, torch.full((2, 4), NAN)]).unsqueeze(0)
    left = right.roll(2, 1)
    mask = torch.tensor([[1, 1, 1, 0, 0]])
    for pooler in (MEAN, MAX, seqpool.FirstPooler(), seqpool.LastPooler(), seqpool.AttentionPooler(4)):
        torch.testing.assert_close(pooler(left, mask=mask.flip(1)), pooler(right, mask=mask))


@pytest.mark.parametrize("width", [1, 2, 4])
def test_a_mask_of_the_wrong_width_is_refused(width: int) -> None:
    """Replacing it by ones would average the padding."""
    with pytest.raises(ValueError, match=rf"shape \(B, T\) = \(2, 3\), \(2, {width}\) came"):
        MEAN(torch.zeros(2, 3, 4), mask=torch.ones(2, width))


# AllenNLP


def test_without_a_mask_both_halves_of_a_bidirectional_network_are_whole() -> None:
    """`output[:, -1]` holds the backward half's first word alone."""
    encoder = lstm(2)
    output, (h_n, _) = encoder(torch.randn(3, 6, 3))
    ends = torch.cat([h_n[-2], h_n[-1]], 1)
    assert not torch.allclose(output[:, -1], ends)
    assert torch.equal(seqpool.BiConcatPooler()(output), ends)
    assert torch.equal(seqpool.BiConcatPooler()(output, h_n), ends)


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN:UserWarning")
def test_a_projection_mixes_no_rows() -> None:
    """Widths from `hidden_size` would cut rows of 2 * 2 features into pieces of 2 * 5."""
    encoder = nn.LSTM(3, 5, batch_first=True, bidirectional=True, proj_size=2)
    batch = run(encoder)
    pooled = seqpool.BiConcatPooler()(batch.packed, batch.hidden)
    assert pooled.shape == (len(LENGTHS), 4)
    x = torch.randn(4, 5, 3)
    whole = encoder(pack_padded_sequence(x, torch.tensor(LENGTHS), batch_first=True, enforce_sorted=False))
    for b, n in enumerate(LENGTHS):
        alone = encoder(pack_padded_sequence(x[b : b + 1], torch.tensor([n]), batch_first=True))
        pooler = seqpool.BiConcatPooler()
        torch.testing.assert_close(pooler(*whole)[b], pooler(*alone)[0])


# PyTorch Geometric, speechbrain


def test_a_recurrent_summary_reads_no_padding() -> None:
    encoder = seqpool.RNNEncoder(nn.GRU(3, 4, batch_first=True, bidirectional=True), seqpool.BiConcatPooler())
    x = torch.randn(3, 6, 3)
    padded = x.clone()
    padded[0, 2:], padded[2, 4:] = NAN, NAN
    clean = encoder(x, [2, 6, 4])
    torch.testing.assert_close(encoder(padded, [2, 6, 4]), clean)
    torch.testing.assert_close(encoder(x[:1, :2], [2]), clean[:1])


def test_one_step_is_enough_and_evaluation_adds_no_noise() -> None:
    x = torch.randn(2, 1, 4)
    for pooler in (MEAN, MAX, seqpool.AttentionPooler(4), seqpool.AdditiveAttentionPooler(4), seqpool.LastPooler()):
        pooled = pooler.eval()(x)
        torch.testing.assert_close(pooled, x[:, 0])
        assert torch.equal(pooled, pooler(x))


# torch NestedTensor


def test_an_empty_jagged_row_is_zero_and_backward_runs() -> None:
    rows = torch.randn(5, 2, requires_grad=True)
    offsets = torch.tensor([0, 3, 3, 5])
    theirs = torch.nested.nested_tensor_from_jagged(rows.detach(), offsets).mean(1)
    assert theirs[1].isnan().all()
    pooled = MEAN(torch.nested.nested_tensor_from_jagged(rows, offsets))
    torch.testing.assert_close(pooled[[0, 2]], theirs.flatten(1)[[0, 2]])
    assert pooled[1].tolist() == [0.0, 0.0]
    (gradient,) = torch.autograd.grad(pooled.sum(), rows)
    torch.testing.assert_close(gradient, torch.tensor([1 / 3] * 3 + [1 / 2] * 2).unsqueeze(1).expand(5, 2))
