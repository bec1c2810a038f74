"""Every pooler by its name, built to fit a network."""

import inspect
from collections.abc import Iterable
from typing import Any

import seqpool
from recipes.model import TextClassifier, output_width
from seqpool import ConcatPooler, LastHiddenPooler, MaskedMaxPooler, MaskedMeanPooler, Pooler

Network = dict[str, Any]
"""Arguments of `TextClassifier` that describe the network around a pooler."""


def choose(names: str) -> list[str]:
    """The names in a comma-separated list, or every pooler's for `all`.

    Raises:
        ValueError: a name is unknown, or comes twice.
    """
    if names == "all":
        return list(seqpool.poolers.__all__)
    chosen = [name.strip() for name in names.split(",")]
    for name in chosen:
        if name not in seqpool.poolers.__all__:
            raise ValueError(f"there is no pooler {name!r}, there are {', '.join(seqpool.poolers.__all__)}: or say all")
        if chosen.count(name) > 1:
            raise ValueError(f"the pooler {name} came {chosen.count(name)} times, name it once")
    return chosen


def make_pooler(name: str, *, hidden_size: int, num_layers: int, bidirectional: bool) -> Pooler:
    """Build a pooler for a network's output."""
    forward = LastHiddenPooler(direction="forward" if bidirectional else None)
    if name == "LastHiddenPooler":
        return forward
    if name == "ConcatPooler":
        return ConcatPooler(forward, MaskedMeanPooler(), MaskedMaxPooler())
    pooler: type[Pooler] = getattr(seqpool, name)
    fitting = {"in_features": output_width(hidden_size, bidirectional), "num_layers": num_layers}
    return pooler(**{key: value for key, value in fitting.items() if key in inspect.signature(pooler).parameters})


def make_model(name: str, network: Network, num_words: int, num_classes: int) -> TextClassifier:
    """Build the classifier around one pooler.

    Raises:
        ValueError: the pooler does not fit the network.
    """
    shape = {key: network[key] for key in ("hidden_size", "num_layers", "bidirectional")}
    return TextClassifier(make_pooler(name, **shape), num_words=num_words, num_classes=num_classes, **network)


def misfits(names: Iterable[str], network: Network) -> dict[str, str]:
    """The poolers that cannot work behind this network, and why."""
    reasons: dict[str, str] = {}
    for name in names:
        try:
            make_model(name, network, num_words=2, num_classes=2)
        except (ValueError, TypeError) as error:
            reasons[name] = str(error)
    return reasons
