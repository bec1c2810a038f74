"""Any pooler as a module of a `SentenceTransformer`."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Self, final

import torch
from torch import Tensor

from seqpool.integrations.config import PoolerConfig, as_json, build_pooler
from seqpool.layout import Sequences, view
from seqpool.ops import accumulator

try:
    from sentence_transformers.base.modules import Module
except ModuleNotFoundError as missing:
    raise ModuleNotFoundError(
        f"seqpool.integrations.sentence_transformers needs sentence-transformers 6 or later ({missing}): "
        "pip install 'seqpool[integrations]'"
    ) from missing

# In the order in which sentence-transformers concatenates them.
_LEGACY = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
_MODES = {
    "cls": "seqpool.FirstPooler",
    "max": "seqpool.MaskedMaxPooler",
    "mean": "seqpool.MaskedMeanPooler",
    "mean_sqrt_len_tokens": "seqpool.MeanSqrtLengthPooler",
    # Not PositionWeightedMeanPooler: they count a left-out prompt's places, so the places are given as weights.
    "weightedmean": "seqpool.WeightedMeanPooler",
    "lasttoken": "seqpool.LastPooler",
}
_KEYS = {"embedding_dimension", "word_embedding_dimension", "pooling_mode", "include_prompt", *_LEGACY}


@final
class SequencePooling(Module):  # type: ignore[misc]  # Any to mypy, which does not follow the optional package
    r"""Pool the token embeddings of a `SentenceTransformer` with any pooler that steps, or their places, suffice for.

    .. math:: sentence\_embedding_b = pooler(token\_embeddings_{b,1}, \dots, token\_embeddings_{b,n_b})

    Padding may lie on either side, and flattened batches (`cu_seq_lens_q`) are pooled where they lie. A pooler that
    needs `weights`, such as `WeightedMeanPooler`, gets each token's place in its text, counted from 1 with the prompt.
    The module saves and loads with its model. Since version 6, sentence-transformers asks for `trust_remote_code=True`
    when it loads a module of another package, whoever wrote it; `SequencePooling.load(path, subfolder=...)` among
    `modules=[...]` does without.

    Source: this library; the modules of sentence-transformers (https://sbert.net).

    Args:
        in_features: D, the width of a token embedding.
        pooler: a class path, or `{"class_path": ..., "init_args": {...}}`; `in_features` is filled in.
        include_prompt: whether the tokens of a prompt count.

    Shape:
        token_embeddings `(B, T, D)`, or `(1, N, D)` with `cu_seq_lens_q`; attention_mask `(B, T)` -> `(B, F)`.

    Raises:
        TypeError: `pooler` is no configuration.
        ValueError: there is no such pooler, it needs states or a query, or the mask is not as wide as the tokens.

    Example:
        >>> pooling = SequencePooling(8, "seqpool.AttentionPooler")
        >>> mask = torch.tensor([[1, 1, 1], [1, 0, 0]])
        >>> pooling({"token_embeddings": torch.randn(2, 3, 8), "attention_mask": mask})["sentence_embedding"].shape
        torch.Size([2, 8])
    """

    def __init__(
        self, in_features: int, pooler: PoolerConfig = "seqpool.MaskedMeanPooler", include_prompt: bool = True
    ) -> None:
        super().__init__()
        self.in_features = in_features
        self.include_prompt = include_prompt
        self.config = as_json(pooler)
        self.pooler = build_pooler(self.config, in_features)
        lacking = [need for need in self.pooler.needs if need != "weights"]
        if lacking:
            raise ValueError(
                f"the pooler must need nothing but token embeddings, {type(self.pooler).__name__} needs "
                f"{' and '.join(lacking)}: a SentenceTransformer passes no such thing on"
            )

    @classmethod
    def from_pooling(cls, source: str | Path | Mapping[str, Any]) -> Self:
        """The same pooling as sentence-transformers' `Pooling`, from its `1_Pooling/config.json` or what that holds."""
        config = source if isinstance(source, Mapping) else json.loads(_config_file(source).read_text("utf-8"))
        width, modes = _parsed(config)
        paths = [_MODES[mode] for mode in modes]
        several = {"class_path": "seqpool.ConcatPooler", "init_args": {"poolers": paths}}
        return cls(width, paths[0] if len(paths) == 1 else several, config.get("include_prompt", True))

    def forward(self, features: dict[str, Any]) -> dict[str, Any]:
        """Add `sentence_embedding`, `(B, F)`."""
        if "token_weights_sum" in features:
            raise ValueError(
                "token_embeddings must be as the encoder gave them, token_weights_sum came: WordWeights has multiplied "
                "them already; drop it, or keep sentence-transformers' Pooling"
            )
        seq = _sequences(features)
        place = None
        if "weights" in self.pooler.needs:
            place = (seq.position() + 1).to(accumulator(seq.values.dtype))
        prompt = 0 if self.include_prompt else _whole(features.get("prompt_length", 0))
        pooled: Tensor = self.pooler(_without_prompt(seq, prompt) if prompt else seq, weights=place)
        features["sentence_embedding"] = pooled
        return features

    def get_embedding_dimension(self) -> int:
        """F, the width of the result, by the name that sentence-transformers asks for it."""
        return self.pooler.out_features(self.in_features)

    def get_config_dict(self) -> dict[str, Any]:
        """What `config.json` holds."""
        return {"in_features": self.in_features, "pooler": self.config, "include_prompt": self.include_prompt}

    def save(self, output_path: str, *, safe_serialization: bool = True) -> None:
        """Write `config.json` and, where the pooler learns, its weights."""
        self.save_config(output_path)
        if self.state_dict():
            self.save_torch_weights(output_path, safe_serialization=safe_serialization)

    @classmethod
    def load(cls, model_name_or_path: str, subfolder: str = "", **hub: Any) -> Self:
        """Read what `save` wrote; `hub` is what sentence-transformers gives every module's `load`."""
        place = {key: hub[key] for key in ("token", "cache_folder", "revision", "local_files_only") if key in hub}
        module = cls(**cls.load_config(model_name_or_path, subfolder=subfolder, **place))
        if module.state_dict():
            cls.load_torch_weights(model_name_or_path, subfolder=subfolder, model=module, **place)
        return module


def _config_file(source: str | Path) -> Path:
    path = Path(source)
    return path / "config.json" if path.is_dir() else path


def _parsed(config: Mapping[str, Any]) -> tuple[int, list[str]]:
    """Width and modes that a `Pooling` configuration of any version holds."""
    unknown = sorted(set(config) - _KEYS)
    width = config.get("embedding_dimension", config.get("word_embedding_dimension"))
    if unknown or width is None:
        came = f"unknown keys {unknown}" if unknown else f"the keys {sorted(config)} without embedding_dimension"
        raise ValueError(f"source must be the configuration of sentence-transformers' Pooling, {came} came: check it")
    given = config.get("pooling_mode", [mode for key, mode in _LEGACY.items() if config.get(key)] or "mean")
    modes = [given] if isinstance(given, str) else list(given)
    if not modes or not set(modes) <= set(_MODES):
        raise ValueError(f"pooling_mode must be one or several of {', '.join(_MODES)}; {given!r} came: name a pooler")
    return int(width), modes


def _sequences(features: Mapping[str, Any]) -> Sequences:
    tokens = features["token_embeddings"]
    if "cu_seq_lens_q" in features:
        return view(tokens.squeeze(0), offsets=features["cu_seq_lens_q"])
    return view(tokens, mask=features.get("attention_mask"))


def _without_prompt(seq: Sequences, prompt: int) -> Sequences:
    """The same sequences from real step `prompt` on."""
    if seq.time is not None:
        valid, later = seq.valid(), seq.position() >= prompt
        return view(seq.values, mask=later if valid is None else valid & later)
    left_out = seq.lengths.clamp(max=prompt)
    count = seq.lengths - left_out
    return replace(seq, start=seq.start + left_out, lengths=count, count=count, full=False)


def _whole(prompt_length: int | Tensor) -> int:
    # A tensor of one number a batch, or the same number a text, while training.
    return int(prompt_length.flatten()[0]) if isinstance(prompt_length, torch.Tensor) else prompt_length
