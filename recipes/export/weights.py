"""Weights alone, for a program that builds the model itself."""

import copy
from pathlib import Path
from typing import final

import torch
from safetensors.torch import load_model, save_model

from recipes.export.formats import Format, Run
from recipes.export.scorer import Scorer


@final
class Safetensors(Format):
    """Weights by the names of embedding, encoder and head."""

    file = "model.safetensors"

    def write(self, scorer: Scorer, path: Path) -> None:
        save_model(scorer, str(path))

    def load(self, scorer: Scorer, path: Path) -> Run:
        empty = copy.deepcopy(scorer)
        with torch.no_grad():
            for weight in empty.parameters():
                # Whatever the file lacks shows in the scores.
                weight.fill_(float("nan"))
        load_model(empty, path)
        return empty
