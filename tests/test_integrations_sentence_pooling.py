"""Pooling imported from sentence-transformers equals theirs in every mode, dtype and layout that is valid for both."""

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
import torch

from tests import small_transformers as small
from tests.refusal import Refusal
from tests.sentence_models import MODES, Pooling, SequencePooling, features

SEVERAL = [*((mode,) for mode in MODES), *itertools.permutations(MODES, 2), MODES]


def flattened(padded: dict[str, Any]) -> dict[str, Any]:
    mask = padded["attention_mask"].bool()
    bounds = torch.cat([torch.zeros(1, dtype=torch.int64), mask.sum(1).cumsum(0)]).int()
    return {"token_embeddings": padded["token_embeddings"][mask].unsqueeze(0), "cu_seq_lens_q": bounds}


def assert_equal_to_theirs(theirs: Any, given: dict[str, Any]) -> None:
    ours = SequencePooling.from_pooling(theirs.get_config_dict())
    expected = theirs(dict(given))["sentence_embedding"]
    torch.testing.assert_close(ours(dict(given))["sentence_embedding"], expected)
    assert ours.get_embedding_dimension() == theirs.get_embedding_dimension() == expected.shape[1]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("modes", SEVERAL, ids="+".join)
def test_every_mode_equals_theirs(modes: tuple[str, ...], side: str, dtype: torch.dtype) -> None:
    assert_equal_to_theirs(Pooling(small.WIDTH, modes), features(dtype, side))


@pytest.mark.parametrize("prompt", [2, torch.tensor([2]), torch.tensor([2, 2, 2]), 0])
@pytest.mark.parametrize("include", [True, False])
@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("modes", [*((mode,) for mode in MODES), MODES], ids="+".join)
def test_a_prompt_left_out_equals_theirs(modes: tuple[str, ...], side: str, include: bool, prompt: Any) -> None:
    given = features(side=side) | {"prompt_length": prompt}
    assert_equal_to_theirs(Pooling(small.WIDTH, modes, include_prompt=include), given)


@pytest.mark.parametrize("include", [True, False])
@pytest.mark.parametrize("modes", [*((mode,) for mode in MODES), MODES], ids="+".join)
def test_flattened_batches_equal_theirs(modes: tuple[str, ...], include: bool) -> None:
    theirs = Pooling(small.WIDTH, modes, include_prompt=include)
    padded = features() | {"prompt_length": 2}
    flat = flattened(padded) | {"prompt_length": 2}
    assert_equal_to_theirs(theirs, flat)
    ours = SequencePooling.from_pooling(theirs.get_config_dict())
    torch.testing.assert_close(ours(flat)["sentence_embedding"], ours(padded)["sentence_embedding"])


def test_without_a_mask_every_token_counts() -> None:
    assert_equal_to_theirs(Pooling(small.WIDTH, MODES), {"token_embeddings": torch.randn(3, 7, small.WIDTH)})


@pytest.mark.parametrize("include", [True, False])
@pytest.mark.parametrize("modes", SEVERAL, ids="+".join)
def test_their_file_is_imported(tmp_path: Path, modes: tuple[str, ...], include: bool) -> None:
    theirs = Pooling(small.WIDTH, modes, include_prompt=include)
    theirs.save(str(tmp_path))
    given = features() | {"prompt_length": 1}
    expected = theirs(dict(given))["sentence_embedding"]
    for source in (tmp_path, tmp_path / "config.json", str(tmp_path)):
        ours = SequencePooling.from_pooling(source)
        torch.testing.assert_close(ours(dict(given))["sentence_embedding"], expected)


LEGACY = [
    "pooling_mode_cls_token",
    "pooling_mode_mean_tokens",
    "pooling_mode_max_tokens",
    "pooling_mode_mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens",
    "pooling_mode_lasttoken",
]


@pytest.mark.parametrize("active", [(), *((key,) for key in LEGACY), tuple(LEGACY), tuple(LEGACY[1::2])], ids=str)
def test_files_of_older_versions_are_imported(tmp_path: Path, active: tuple[str, ...]) -> None:
    config = {"word_embedding_dimension": small.WIDTH, **{key: key in active for key in LEGACY}}
    (tmp_path / "config.json").write_text(json.dumps(config), "utf-8")
    theirs, given = Pooling.load(str(tmp_path)), features()
    expected = theirs(dict(given))["sentence_embedding"]
    torch.testing.assert_close(SequencePooling.from_pooling(tmp_path)(dict(given))["sentence_embedding"], expected)


def test_empty_texts_and_nan_padding_are_zeros_and_unread() -> None:
    given = features()
    given["attention_mask"][1] = 0
    given["token_embeddings"][given["attention_mask"] == 0] = float("nan")
    for mode in MODES:
        pooling = SequencePooling.from_pooling({"embedding_dimension": small.WIDTH, "pooling_mode": mode})
        pooled = pooling(dict(given))["sentence_embedding"]
        assert bool(pooled.isfinite().all())
        assert pooled[1].tolist() == [0.0] * small.WIDTH


def call(change: dict[str, Any]) -> Any:
    return lambda: SequencePooling(small.WIDTH)(features() | change)


def imported(config: dict[str, Any]) -> Any:
    return lambda: SequencePooling.from_pooling(config)


REFUSALS = {
    "states": Refusal(
        lambda: SequencePooling(4, "seqpool.CellStatePooler"),
        ValueError,
        "token embeddings",
        "h_n and c_n",
        "SentenceTransformer",
    ),
    "mask": Refusal(call({"attention_mask": torch.ones(3, 6)}), ValueError, "(3, 7)", "(3, 6)", "(B, T)"),
    "weighted words": Refusal(
        call({"token_weights_sum": torch.ones(3)}), ValueError, "as the encoder gave", "token_weights_sum", "drop it"
    ),
    "mode": Refusal(
        imported({"embedding_dimension": 4, "pooling_mode": "median"}), ValueError, "cls, max, mean", "'median'", "name"
    ),
    "no mode": Refusal(
        imported({"embedding_dimension": 4, "pooling_mode": []}), ValueError, "one or several", "[]", "name"
    ),
    "key": Refusal(
        imported({"embedding_dimension": 4, "dropout": 0.1}), ValueError, "Pooling", "['dropout']", "check it"
    ),
    "width": Refusal(
        imported({"pooling_mode": "cls"}), ValueError, "Pooling", "['pooling_mode']", "embedding_dimension"
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals(name: str) -> None:
    REFUSALS[name].check()
