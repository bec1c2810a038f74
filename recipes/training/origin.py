"""What a checkpoint was built from, beside what is asked for: a pooler of the same shape would pass unseen."""

from collections.abc import Iterator, Mapping
from typing import Any

from jsonargparse import Namespace

BUILT_FROM = "built_from"
"""Where a checkpoint keeps the arguments of its classifier."""

_STARTS = ("vectors", "encoder.init_args.path")
"""Files that weights start from; those of a checkpoint are past that, and the files may have moved."""

_TRAINS = ("dropout", "freeze_embedding", "optimizer", "encoder.init_args.dropout", "encoder.init_args.freeze")
"""What matters to training alone."""


def plain(value: Any) -> Any:
    """Arguments of a classifier as a checkpoint keeps them: dictionaries, lists, strings and numbers."""
    if isinstance(value, Namespace):
        return {name: plain(one) for name, one in vars(value).items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value if isinstance(value, int | float | None) else str(value)


def refuse_other_model(checkpoint: Mapping[str, Any], asked: Namespace, path: str, *, training: bool) -> None:
    """Compare the arguments of a checkpoint's classifier with those asked for, all of them where it is to train on.

    Raises:
        ValueError: they differ.
    """
    left_out = _STARTS if training else _STARTS + _TRAINS
    there, here = (dict(_flat(arguments)) for arguments in (checkpoint[BUILT_FROM], plain(asked)))
    for name in here | there:
        if not name.startswith(left_out) and there.get(name) != here.get(name):
            readable = name.replace(".init_args", "").removesuffix(".class_path")
            raise ValueError(
                f"the checkpoint {path!r} was built from other arguments: model.{readable} is {there.get(name)} "
                f"there, {here.get(name)} here; give those it was trained with"
            )


def refuse_other_texts(checkpoint: Mapping[str, Any], asked: Mapping[str, Any], path: str) -> None:
    """Compare the texts that a checkpoint was trained on, as its data say it, with those to go on with.

    Raises:
        ValueError: they differ.
    """
    there, here = checkpoint["TextData"]["texts"], asked["texts"]
    if there != here:
        raise ValueError(
            f"the checkpoint {path!r} was trained on other texts, {_listed(there)} there, {_listed(here)} here: "
            "give the data, the seed and data.max_tokens that it was trained with"
        )


def _listed(facts: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {fact}" for name, fact in facts.items())


def _flat(arguments: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in arguments.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{within}{name}.")
        else:
            yield within + name, value
