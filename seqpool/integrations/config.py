"""A pooler as JSON: a class and its arguments, in the form of jsonargparse and LightningCLI."""

import inspect
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from seqpool import poolers
from seqpool.poolers.base import Pooler

PoolerConfig = str | Mapping[str, Any]


def build_pooler(config: PoolerConfig, in_features: int) -> Pooler:
    r"""Make a pooler from its class path and arguments.

    Nothing is imported and nothing but a pooler is called, whatever the configuration holds: a class path names a
    pooler of seqpool, or one of your own whose module is already imported.

    Source: this library, in the form of jsonargparse (https://jsonargparse.readthedocs.io).

    Args:
        config: a class path, or `{"class_path": ..., "init_args": {...}}`; poolers in the arguments likewise.
        in_features: D, the width of a step, for a pooler whose arguments do not give it.

    Raises:
        TypeError: `config` is something else.
        ValueError: no such pooler, or it takes no such argument.

    Example:
        >>> build_pooler("seqpool.MaskedMeanPooler", 8)
        MaskedMeanPooler()
        >>> both = ["seqpool.FirstPooler", {"class_path": "seqpool.BiMergePooler", "init_args": {"merge": "max"}}]
        >>> build_pooler({"class_path": "seqpool.ConcatPooler", "init_args": {"poolers": both}}, 8).out_features(8)
        12
    """
    path, arguments = _parts(config)
    kind = _pooler_class(path)
    parameters = inspect.signature(kind).parameters
    unknown = sorted(set(arguments) - set(parameters))
    if unknown:
        raise ValueError(f"{path} takes {', '.join(parameters) or 'no arguments'}; {', '.join(unknown)} came: drop it")
    if "in_features" in parameters:
        arguments.setdefault("in_features", in_features)
    built = {name: _value(parameters[name], value, in_features) for name, value in arguments.items()}
    listed = [name for name in built if parameters[name].kind is inspect.Parameter.VAR_POSITIONAL]
    positional = [item for name in listed for item in built.pop(name)]
    return kind(*positional, **built)


def as_json(config: PoolerConfig) -> str | dict[str, Any]:
    """The configuration as a file will hold it, refused where JSON cannot."""
    try:
        kept: str | dict[str, Any] = json.loads(json.dumps(config))
    except TypeError as error:
        raise TypeError(f"a pooler's configuration must be JSON, {config!r} came: {error}") from error
    return kept


def _parts(config: PoolerConfig) -> tuple[str, dict[str, Any]]:
    form = "a pooler must be a class path or {'class_path': ..., 'init_args': {...}}"
    if isinstance(config, str):
        return config, {}
    if not isinstance(config, Mapping):
        raise TypeError(f"{form}, a {type(config).__name__} came: name its class, 'seqpool.MaskedMeanPooler'")
    if "class_path" not in config or set(config) - {"class_path", "init_args"}:
        raise ValueError(f"{form}, the keys {sorted(config)} came: put arguments into init_args")
    return config["class_path"], dict(config.get("init_args") or {})


def _pooler_class(path: str) -> type[Pooler]:
    for kind in _concrete(Pooler):
        public: object = getattr(poolers, kind.__name__, None)
        if path == f"{kind.__module__}.{kind.__qualname__}" or (path == f"seqpool.{kind.__name__}" and public is kind):
            return kind
    raise ValueError(
        f"class_path must name a pooler, {path!r} came: 'seqpool.MaskedMeanPooler', or import the module that defines "
        "your own before loading"
    )


def _concrete(base: Any) -> Iterator[type[Pooler]]:
    # Any: mypy allows no abstract class where type[Pooler] is expected.
    for kind in base.__subclasses__():
        yield from _concrete(kind)
        if not inspect.isabstract(kind):
            yield kind


def _value(parameter: inspect.Parameter, value: Any, in_features: int) -> Any:
    """An argument with the poolers in it made: where a mapping says so, or where the parameter takes poolers."""
    if isinstance(value, Mapping) and "class_path" in value:
        return build_pooler(value, in_features)
    if isinstance(value, str) and parameter.annotation is Pooler:
        return build_pooler(value, in_features)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_value(parameter, item, in_features) for item in value]
    return value
