"""A classifier with a pooler to a folder and back: weights as safetensors, arguments as JSON."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

pytest.importorskip("huggingface_hub", reason="an optional package, in the extra 'integrations'")
from huggingface_hub import PyTorchModelHubMixin

from seqpool.integrations.config import PoolerConfig, build_pooler
from seqpool.integrations.hub import RNNClassifier
from seqpool.testing import assert_pools_correctly

POOLERS: dict[str, Any] = {
    "both ends": "seqpool.BiConcatPooler",
    "attention": {"class_path": "seqpool.AdditiveAttentionPooler", "init_args": {"hidden_features": 5}},
    "several": {
        "class_path": "seqpool.ConcatPooler",
        "init_args": {"poolers": ["seqpool.LastPooler", "seqpool.MaskedMaxPooler", "seqpool.AttentionPooler"]},
    },
}
LENGTHS = [7, 0, 3]


def ids() -> Tensor:
    return torch.randint(20, (3, 7))


@pytest.mark.parametrize("kind", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("pooler", POOLERS)
def test_a_classifier_goes_to_a_folder_and_back(tmp_path: Path, pooler: str, kind: Any) -> None:
    model: Any = RNNClassifier(
        20, 4, pooler=POOLERS[pooler], kind=kind, embedding_dim=6, hidden_size=5, num_layers=2
    ).eval()
    model.save_pretrained(tmp_path)
    again = RNNClassifier.from_pretrained(tmp_path, strict=True)
    assert repr(again) == repr(model)
    given = ids()
    assert torch.equal(again(given, LENGTHS), model(given, LENGTHS))
    assert not again.training


def test_what_the_folder_holds(tmp_path: Path) -> None:
    safetensors = pytest.importorskip("safetensors", reason="an optional package, in the extra 'integrations'")
    model: Any = RNNClassifier(20, num_classes=4, pooler=POOLERS["attention"], embedding_dim=6, bidirectional=False)
    model.save_pretrained(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"config.json", "model.safetensors", "README.md"}
    assert json.loads((tmp_path / "config.json").read_text("utf-8")) == {
        "num_words": 20,
        "num_classes": 4,
        "pooler": POOLERS["attention"],
        "kind": "lstm",
        "embedding_dim": 6,
        "hidden_size": 128,
        "num_layers": 1,
        "bidirectional": False,
    }
    with safetensors.safe_open(tmp_path / "model.safetensors", "pt") as weights:
        assert set(weights.keys()) == set(model.state_dict())
    assert "library_name: seqpool" in (tmp_path / "README.md").read_text("utf-8")


def test_a_folder_of_another_model_is_refused_where_strict(tmp_path: Path) -> None:
    model: Any = RNNClassifier(20, 4, pooler="seqpool.AttentionPooler")
    model.save_pretrained(tmp_path)
    with pytest.raises(RuntimeError, match=r"encoder\.pooler\.score"):
        RNNClassifier.from_pretrained(tmp_path, strict=True, pooler="seqpool.MaskedMeanPooler")


def test_the_classifier_passes_the_test_kit() -> None:
    for pooler in POOLERS.values():
        model: Any = RNNClassifier(20, 4, pooler=pooler, embedding_dim=6, hidden_size=5).eval()
        assert_pools_correctly(model, ids(), [7, 5, 3], padding=(0,))
        assert_pools_correctly(by_mask(model), torch.randn(3, 7, 6), [7, 5, 3], takes="mask")


def by_mask(model: RNNClassifier) -> Any:
    return lambda x, mask: model.head(model.encoder(x, mask=mask))


class OwnClassifier(nn.Module, PyTorchModelHubMixin):  # type: ignore[misc]  # Any to mypy, which does not follow the optional package
    """A model as a user writes it: the pooler's configuration is an argument like any other."""

    def __init__(self, width: int, pooler: PoolerConfig) -> None:
        super().__init__()
        self.encoder = nn.Linear(3, width)
        self.pooler = build_pooler(pooler, width)
        self.head = nn.Linear(self.pooler.out_features(width), 2)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        logits: Tensor = self.head(self.pooler(self.encoder(x), mask=mask))
        return logits


@pytest.mark.parametrize("pooler", POOLERS)
def test_ones_own_model_with_the_mixin(tmp_path: Path, pooler: str) -> None:
    model: Any = OwnClassifier(8, POOLERS[pooler]).eval()
    model.save_pretrained(tmp_path)
    again = OwnClassifier.from_pretrained(tmp_path, strict=True)
    x, mask = torch.randn(2, 4, 3), torch.tensor([[0, 0, 1, 1], [1, 1, 1, 1]])
    assert torch.equal(again(x, mask), model(x, mask))
    assert_pools_correctly(model, torch.randn(3, 7, 3), [7, 5, 3], takes="mask")


def test_an_unknown_kind_is_refused() -> None:
    kind: Any = "transformer"
    with pytest.raises(ValueError, match="kind must be one of lstm, gru, rnn, 'transformer' came"):
        RNNClassifier(20, 2, kind=kind)
