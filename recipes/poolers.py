"""Every pooler by its name, built to fit an encoder."""

import inspect
from collections.abc import Sequence
from functools import partial
from typing import Any, Protocol

import seqpool
from seqpool import ConcatPooler, Pooler, WeightedLayersPooler


class PoolerFactory(Protocol):
    """A pooler but for what the encoder decides.

    Args:
        in_features: Width of a step.
        num_layers: Layers that a final state of is known.
        step_layers: Layers that lie side by side in a step.
    """

    def __call__(self, *, in_features: int, num_layers: int, step_layers: int) -> Pooler:
        """Build it."""


PARTS: dict[type[Pooler], tuple[str, Any]] = {
    ConcatPooler: ("poolers", list[PoolerFactory]),
    WeightedLayersPooler: ("pooler", PoolerFactory),
}
"""Poolers made of poolers: the argument that takes them, and how it is given on the command line."""


def fit_pooler(
    kind: type[Pooler], /, *, in_features: int, num_layers: int, step_layers: int, **arguments: Any
) -> Pooler:
    """Build a pooler from its own arguments and the encoder's sizes; poolers in the arguments come as factories.

    Raises:
        TypeError: the pooler takes no such argument.
        ValueError: an argument is out of range.
    """
    sizes = {"in_features": in_features, "num_layers": num_layers, "step_layers": step_layers}
    if kind is ConcatPooler:
        parts: Sequence[PoolerFactory] = arguments["poolers"] or ()
        return ConcatPooler(*(part(**sizes) for part in parts))
    if kind is WeightedLayersPooler:
        one_layer = sizes | {"in_features": in_features // step_layers, "step_layers": 1}
        return WeightedLayersPooler(step_layers, arguments["pooler"](**one_layer))
    takes = inspect.signature(kind).parameters
    return kind(**arguments, **{name: size for name, size in sizes.items() if name in takes})


def named(name: str, **arguments: Any) -> PoolerFactory:
    """The factory of a pooler of the catalogue."""
    return partial(fit_pooler, getattr(seqpool, name), **arguments)


def describe(name: str, arguments: dict[str, Any]) -> str:
    """A pooler as it is written in Python.

    Example:
        >>> describe("ConcatPooler", {"poolers": [named("LastPooler"), named("KMaxPooler", k=2)]})
        'ConcatPooler(poolers=[LastPooler(), KMaxPooler(k=2)])'
    """
    return f"{name}({', '.join(f'{key}={_describe(value)}' for key, value in arguments.items())})"


def _describe(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_describe, value))}]"
    if isinstance(value, partial):
        return describe(value.args[0].__name__, value.keywords)
    return repr(value)


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


def usual_arguments(name: str) -> list[dict[str, Any]]:
    """Arguments to try in a comparison, in this order: the defaults, or what the catalogue's own examples give.

    Example:
        >>> usual_arguments("KMaxPooler")[0], usual_arguments("LastHiddenPooler")[:2]
        ({'k': 2}, [{}, {'direction': 'forward'}])
    """
    kind: type[Pooler] = getattr(seqpool, name)
    if kind is ConcatPooler:
        return [{"poolers": [named("LastPooler"), named("MaskedMaxPooler"), named("MaskedMeanPooler")]}]
    if kind is WeightedLayersPooler:
        return [{"pooler": named("MaskedMeanPooler")}]
    given = {"in_features", "num_layers"}
    needed = [
        parameter.name
        for parameter in inspect.signature(kind).parameters.values()
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    samples = [{key: value for key, value in sample.items() if key not in given} for sample in kind.samples]
    return samples if set(needed) - given else [{}, *filter(None, samples)]
