"""What a trained classifier says of texts one by one, and what `predict` has written of them."""

import csv
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from pyarrow import parquet  # type: ignore[import-untyped]  # it has no types

from recipes.trained import load_trained
from tests.recipes.conftest import WORDS

TEXTS = ["apple plum", "", "iron <b>tin</b> \u00fc", "nile unseen volga, nile", "", "zinc " * 30]
CLASSES = list(WORDS)


def alone(checkpoint: Path, texts: list[str]) -> list[list[float]]:
    """Probabilities of each text by itself, without padding."""
    trained = load_trained(str(checkpoint))
    rows = []
    for text in texts:
        ids = trained.tokenizer.encode(text).ids[:8]
        scores = trained.model(torch.tensor([ids], dtype=torch.long), torch.tensor([len(ids)]))
        rows.append(scores[0].softmax(0).tolist())
    return rows


def assert_predicts(rows: list[dict[str, Any]], checkpoint: Path, texts: list[str]) -> None:
    assert [row["text"] for row in rows] == texts
    expected = alone(checkpoint, texts)
    came = [[float(row[f"probability_{name}"]) for name in CLASSES] for row in rows]
    torch.testing.assert_close(torch.tensor(came), torch.tensor(expected), rtol=1e-5, atol=1e-6)
    assert [row["label"] for row in rows] == [CLASSES[every.index(max(every))] for every in expected]
    assert set(rows[0]) == {"text", "label", *(f"probability_{name}" for name in CLASSES)}


def read(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".csv":
        return list(csv.DictReader(path.read_text().splitlines()))
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text().splitlines()]
    rows: list[dict[str, Any]] = parquet.read_table(path).to_pylist()
    return rows


def give(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
