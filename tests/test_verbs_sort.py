"""`sort`: every layout's steps in order of value, one sequence after the other, ties by step."""

import pytest
import torch
from torch import Tensor
from torch.nn.utils.rnn import pack_sequence, pad_sequence

from seqpool import Sequences, view
from seqpool.ops import sort
from tests.verb_cases import force

NAN, INF = float("nan"), float("inf")
LENGTHS = [5, 0, 1, 9]
LAYOUTS = ["padded", "left", "holes", "time_major", "flat", "nested", "packed"]


@pytest.fixture(params=["dense", "slices"], autouse=True)
def form(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    force(monkeypatch, request.param)


def _sequences() -> list[Tensor]:
    """Few different numbers, so that most of them tie."""
    some = torch.tensor([-INF, -1.0, 0.0, 0.0, 2.0, INF])
    return [some[torch.randint(0, 6, (n, 3))] for n in LENGTHS]


def _view(sequences: list[Tensor], layout: str) -> Sequences:
    padded = pad_sequence(sequences, batch_first=True, padding_value=NAN)
    offsets = torch.tensor([0, *LENGTHS]).cumsum(0)
    if layout == "padded":
        return view(padded, lengths=LENGTHS)
    if layout == "time_major":
        return view(padded.transpose(0, 1), lengths=LENGTHS, batch_first=False)
    if layout == "flat":
        return view(torch.cat(sequences), offsets=offsets)
    if layout == "nested":
        return view(torch.nested.nested_tensor_from_jagged(torch.cat(sequences), offsets))
    if layout == "packed":
        return view(pack_sequence([x for x in sequences if x.shape[0]], enforce_sorted=False))
    mask = torch.arange(9) >= 9 - torch.tensor(LENGTHS).unsqueeze(1)
    if layout == "holes":
        mask = torch.stack([row[torch.randperm(9)] for row in mask])
    return view(padded.new_full((4, 9, 3), NAN).masked_scatter(mask.unsqueeze(2), torch.cat(sequences)), mask=mask)


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_sequence_is_sorted_stably(layout: str, descending: bool) -> None:
    sequences = _sequences()
    seq = _view(sequences, layout)
    if layout == "packed":
        sequences = [x for x in sequences if x.shape[0]]
    # The number of the step beside each value shows which of the equal ones came first.
    steps = [torch.arange(x.shape[0]).unsqueeze(1).expand_as(x) for x in sequences]
    ordered, order = sort(seq, seq.values, descending=descending)
    came_from = seq.position().unsqueeze(-1).expand_as(seq.values).gather(seq.time or 0, order)
    for b, x in enumerate(sequences):
        at = [
            tuple(index[b] for index in ordered.at(torch.full_like(ordered.count, step))) for step in range(x.shape[0])
        ]
        want = x.sort(dim=0, stable=True, descending=descending)
        for step, place in enumerate(at):
            assert torch.equal(ordered.values[place], want.values[step])
            assert torch.equal(came_from[place], steps[b].gather(0, want.indices)[step])
    assert torch.equal(ordered.count, seq.count)


def test_nan_is_the_largest_and_padding_is_behind_it() -> None:
    x = torch.tensor([[[NAN], [INF], [1.0], [-INF]]])
    ordered, _ = sort(*_rows(x, [3]))
    assert ordered.values[0, :2].flatten().tolist() == [1.0, INF]
    assert ordered.values[0, 2].isnan()
    assert ordered.values[0, 3].item() == -INF
    ordered, _ = sort(*_rows(x, [3]), descending=True)
    assert ordered.values[0, 1:].flatten().tolist() == [INF, 1.0, -INF]


def _rows(x: Tensor, lengths: list[int]) -> tuple[Sequences, Tensor]:
    seq = view(x, lengths=lengths)
    return seq, seq.values


def test_ties_keep_their_order_in_exported_graphs() -> None:
    class Places(torch.nn.Module):
        def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
            return sort(*_view_of(x, lengths))[1]

    steps = torch.export.Dim("steps", min=2)
    x, lengths = torch.zeros(2, 500, 3), torch.tensor([500, 200])
    graph = torch.export.export(Places(), (x, lengths), dynamic_shapes=({1: steps}, None)).module()
    assert torch.equal(graph(x, lengths)[0, :, 0], torch.arange(500))
    assert torch.equal(graph(x[:, :300], lengths // 2)[0, :, 0], torch.arange(300))


def _view_of(x: Tensor, lengths: Tensor) -> tuple[Sequences, Tensor]:
    seq = view(x, lengths=lengths)
    return seq, seq.values


def test_the_gradient_goes_where_the_value_came_from() -> None:
    x = torch.tensor([[3.0], [1.0], [2.0], [5.0], [4.0]], requires_grad=True)
    seq = view(x, offsets=[0, 3, 5])
    ordered, order = sort(seq, seq.values)
    assert order.flatten().tolist() == [1, 2, 0, 4, 3]
    weights = torch.arange(5.0).unsqueeze(1)
    at_x = torch.autograd.grad((ordered.values * weights).sum(), x)[0]
    assert at_x.flatten().tolist() == [2.0, 0.0, 1.0, 4.0, 3.0]


@pytest.mark.parametrize("shape", [(0, 3, 2), (2, 0, 2), (2, 3, 0)])
def test_nothing_to_sort(shape: tuple[int, ...]) -> None:
    seq = view(torch.zeros(shape), lengths=[0] * shape[0])
    assert sort(seq, seq.values)[0].values.shape == shape
