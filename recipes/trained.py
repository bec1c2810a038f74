"""A classifier out of its checkpoint, ready to be used."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import yaml  # type: ignore[import-untyped]  # it has no types
from tokenizers import Tokenizer

from recipes.data.module import TextData
from recipes.gate import OneLineParser
from recipes.model import TextClassifier
from recipes.network import join_encoder
from recipes.training.files import check_weights, read_checkpoint
from recipes.training.origin import refuse_other_model
from recipes.training.runs import CONFIG


@final
@dataclass(frozen=True, kw_only=True)
class Trained:
    """What a checkpoint and its configuration say.

    Args:
        model: The classifier with its weights, in evaluation mode, on the CPU.
        tokenizer: Its vocabulary.
        labels: Names of the classes, in the order of its scores.
        data: What it was trained on; nothing of it is loaded.
        config: The file of its configuration.
    """

    model: TextClassifier
    tokenizer: Tokenizer
    labels: list[str]
    data: TextData
    config: Path

    @property
    def max_tokens(self) -> int:
        """Longer texts are cut here."""
        return self.data.max_tokens


def load_trained(ckpt_path: str, config: str | None = None) -> Trained:
    """Rebuild a classifier: weights, vocabulary and classes from the checkpoint, its shape from the configuration.

    Args:
        ckpt_path: A checkpoint that `fit` wrote.
        config: Configuration of the run; by default the `config.yaml` beside the checkpoint or one folder above.

    Raises:
        ValueError: one of them cannot be read, or they do not belong together.
    """
    checkpoint = read_checkpoint(ckpt_path)
    state: dict[str, Any] = checkpoint.get("TextData", {})
    if missing := {"tokenizer", "labels"} - state.keys():
        raise ValueError(
            f"the checkpoint {ckpt_path!r} holds no {' and no '.join(sorted(missing))}: train again with `fit`"
        )
    path = Path(config) if config is not None else _beside(Path(ckpt_path))
    tokenizer, labels = Tokenizer.from_str(state["tokenizer"]), list(state["labels"])
    network, data = _configured(path, ckpt_path, checkpoint)
    model = TextClassifier(**network, num_words=tokenizer.get_vocab_size(), num_classes=len(labels))
    check_weights(model, checkpoint, ckpt_path)
    model.load_state_dict(checkpoint["state_dict"])
    return Trained(model=model.eval(), tokenizer=tokenizer, labels=labels, data=data, config=path)


def _beside(ckpt_path: Path) -> Path:
    places = [ckpt_path.parent / CONFIG, ckpt_path.parent.parent / CONFIG]
    for place in places:
        if place.is_file():
            return place
    raise ValueError(f"no {CONFIG} beside the checkpoint, neither {places[0]} nor {places[1]}: give it with --config")


def _configured(path: Path, ckpt_path: str, checkpoint: dict[str, Any]) -> tuple[dict[str, Any], TextData]:
    """Arguments of the checkpoint's classifier, and the data."""
    try:
        written = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"the configuration {str(path)!r} cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"the configuration {str(path)!r} is no YAML: {error}") from error
    if not isinstance(written, dict) or "model" not in written:
        raise ValueError(f"the configuration {str(path)!r} says nothing of a model: give a run's {CONFIG}")
    parser = OneLineParser(prog="python -m recipes")
    parser.add_class_arguments(TextData, "data")
    parser.add_class_arguments(TextClassifier, "model", skip={"num_words", "num_classes"}, instantiate=False)
    join_encoder(parser)
    parser.set_defaults({"model.pooler": {"class_path": "seqpool.BiConcatPooler"}})
    asked = parser.parse_object({key: written[key] for key in ("data", "model") if key in written})
    refuse_other_model(checkpoint, asked.model, ckpt_path, training=False)
    ready = parser.instantiate(asked)
    return ready.model.as_dict(), ready.data
