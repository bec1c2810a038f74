"""The texts of a cell: a recipe's data, some of its training texts."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]  # it has no types

from recipes.data.columns import Columns
from recipes.data.module import TextData

CONFIGS = Path(__file__).parents[2] / "recipes" / "configs"
OTHER_CONFIG = {"imdb_long": "imdb", "sst2_sentences": "sst2"}
"""Datasets that are trained by another one's recipe."""
EMBEDDED = ("docstrings", "probes")


def recipe(dataset: str) -> dict[str, Any]:
    """The configuration of a dataset's recipe; of one of the probes too, as in probes:order-64.

    Raises:
        ValueError: there is none.
    """
    name = dataset.partition(":")[0]
    path = CONFIGS / f"{OTHER_CONFIG.get(name, name)}.yaml"
    if not path.is_file():
        known = sorted({*(config.stem for config in CONFIGS.glob("*.yaml")), *OTHER_CONFIG})
        raise ValueError(f"the datasets are {', '.join(known)}, a probe is written probes:order-64; {dataset!r} came")
    config: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    return config


def texts(dataset: str, folder: Path, seed: int, **other: int) -> TextData:
    """A recipe's data, from a folder of datasets; `seed` orders the batches, `other` goes over the recipe.

    Raises:
        ValueError: there is no such dataset.
    """
    given = dict(recipe(dataset).get("data", {}))
    name, _, part = dataset.partition(":")
    if name not in EMBEDDED:
        given = {key: value for key, value in given.items() if key not in ("name", "revision")}
        given["path"] = str(folder / name)
        if not Path(given["path"]).is_dir():
            raise ValueError(f"there is no folder {given['path']!r}: give --data the folder that holds {name}")
    given["path"] = given.get("path", name)
    given["columns"] = Columns(**given.get("columns", {}))
    if part:
        given["name"] = part
    return TextData(**{**given, **other}, seed=seed)


def load(
    dataset: str, folder: Path, seed: int, size: int | None, test: int | None, **other: int
) -> tuple[TextData, int]:
    """The data of one run, and how many training texts there are in all.

    It has `size` of the training texts and a tenth as many for validation, and `test` test texts.

    The validation split and the test texts are the same for every seed; which texts are trained on depends on it.

    Raises:
        ValueError: there is no such dataset.
    """
    data, same = texts(dataset, folder, seed, **other), texts(dataset, folder, 0, **other)
    corpus = same.corpus
    splits = dict(corpus.splits)
    if size is not None:
        splits["train"] = splits["train"].shuffle(seed=seed).take(size)
        splits["validation"] = splits["validation"].shuffle(seed=0).take(min(-(-size // 10), len(splits["validation"])))
    if test is not None and test < len(splits["test"]):
        splits["test"] = splits["test"].shuffle(seed=0).take(test)
    # In place of what the module would load by its own seed.
    data.corpus = replace(corpus, splits=splits, sample=splits["train"]["text"])
    return data, len(corpus.splits["train"])
