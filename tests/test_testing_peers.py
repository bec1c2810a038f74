"""What the assertions find in the poolers of sentence-transformers and PyTorch Geometric, as installed from PyPI."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from seqpool.testing import (
    assert_batch_invariant,
    assert_empty_is_finite,
    assert_no_padding_gradient,
    assert_padding_invariant,
)
from tests.offenders import WIDTH, step_mask

LENGTHS = [7, 5, 3, 6]
MODES = ["cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken"]


def sentence_pooling(mode: str) -> Any:
    models = pytest.importorskip(
        "sentence_transformers.sentence_transformer.modules", reason="a development extra, sentence-transformers"
    )
    pooling = models.Pooling(WIDTH, mode)
    return lambda x, mask: pooling({"token_embeddings": x, "attention_mask": mask.long()})["sentence_embedding"]


class Aggregated(nn.Module):
    """An aggregation of PyTorch Geometric as a pooler: it takes the real steps alone, and whose each one is."""

    def __init__(self, name: str, *args: Any, **kwargs: Any) -> None:
        super().__init__()
        aggr = pytest.importorskip("torch_geometric.nn.aggr", reason="a development extra, torch_geometric")
        self.aggregation = getattr(aggr, f"{name}Aggregation")(*args, **kwargs)

    def forward(self, x: Tensor, lengths: Tensor) -> Any:
        mask = step_mask(x, lengths)
        owner = torch.arange(len(lengths)).unsqueeze(1).expand(mask.shape)
        return self.aggregation(x[mask], owner[mask], dim_size=len(lengths))


@pytest.mark.parametrize("mode", MODES)
def test_sentence_transformers_is_right_about_finite_padding(mode: str) -> None:
    model, x = sentence_pooling(mode), torch.randn(4, 7, WIDTH)
    assert_padding_invariant(model, x, LENGTHS, takes="mask")
    assert_batch_invariant(model, x, LENGTHS, takes="mask")
    assert_no_padding_gradient(model, x, LENGTHS, takes="mask")


@pytest.mark.parametrize("mode", ["mean", "mean_sqrt_len_tokens", "weightedmean"])
def test_sentence_transformers_multiplies_nan_by_zero(mode: str) -> None:
    with pytest.raises(AssertionError, match=r"row 1 \(length 5 of 7\) moved by nan .* 0 times nan is nan"):
        assert_padding_invariant(
            sentence_pooling(mode), torch.randn(4, 7, WIDTH), LENGTHS, takes="mask", padding=(float("nan"),)
        )


@pytest.mark.parametrize(("mode", "fault"), [("cls", "padding is read"), ("max", "is -inf when it was emptied")])
def test_sentence_transformers_and_empty_rows(mode: str, fault: str) -> None:
    with pytest.raises(AssertionError, match=rf"row 3 \(length 0 of 7\).*{fault}"):
        assert_empty_is_finite(sentence_pooling(mode), torch.randn(4, 7, WIDTH), LENGTHS, takes="mask")


@pytest.mark.parametrize("mode", ["mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken"])
def test_sentence_transformers_gives_zeros_for_other_empty_rows(mode: str) -> None:
    assert_empty_is_finite(sentence_pooling(mode), torch.randn(4, 7, WIDTH), LENGTHS, takes="mask")


@pytest.mark.parametrize("name", ["LSTM", "GRU", "LCM"])
def test_geometric_recurrences_read_the_padding_that_their_mates_bring(name: str) -> None:
    model = Aggregated(name, WIDTH, WIDTH).eval()
    with pytest.raises(
        AssertionError, match=r"row 1 \(length 5 of 7\) moved by .* when its mates changed.*longest mate"
    ):
        assert_batch_invariant(model, torch.randn(4, 7, WIDTH), LENGTHS)


@pytest.mark.parametrize(
    ("name", "args"), [("Median", ()), ("Quantile", (0.5,)), ("Sort", (2,)), ("LSTM", (WIDTH, WIDTH))]
)
def test_geometric_refuses_a_batch_of_empty_sets(name: str, args: tuple[Any, ...]) -> None:
    with pytest.raises(AssertionError, match=r"the model refused lengths \[0, 0, 0, 0\]"):
        assert_empty_is_finite(Aggregated(name, *args).eval(), torch.randn(4, 7, WIDTH), LENGTHS)


@pytest.mark.parametrize("name", ["Mean", "Sum", "Max", "Min", "Mul", "Var", "Std", "Softmax", "PowerMean"])
def test_geometric_reductions_pass(name: str) -> None:
    model, x = Aggregated(name), torch.randn(4, 7, WIDTH)
    for check in (
        assert_padding_invariant,
        assert_batch_invariant,
        assert_no_padding_gradient,
        assert_empty_is_finite,
    ):
        check(model, x, LENGTHS)
