"""Poolers from JSON: every pooler and every sample of it, nested ones, one's own, and nothing but poolers."""

import inspect
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, final

import pytest
from torch import Tensor

import seqpool
from seqpool import Pooler, Sequences
from seqpool.functional import mean
from seqpool.integrations.config import as_json, build_pooler
from tests.refusal import Refusal

WIDTH = 8


@final
class OwnPooler(Pooler):
    def __init__(self, *, scale: float = 1.0) -> None:
        super().__init__()
        self.scale = scale

    def one(self, x: Tensor) -> Tensor:
        return self.scale * x.mean(0)

    def pool(self, seq: Sequences) -> Tensor:
        return self.scale * mean(seq)


def written(value: Any) -> Any:
    """A sample's argument as JSON would hold it."""
    if isinstance(value, Pooler):
        return f"seqpool.{type(value).__name__}"
    return [written(item) for item in value] if isinstance(value, tuple) else value


def public() -> Iterator[tuple[str, dict[str, Any]]]:
    for name in seqpool.__all__:
        kind = getattr(seqpool, name)
        if isinstance(kind, type) and issubclass(kind, Pooler) and not inspect.isabstract(kind):
            for sample in kind.samples:
                yield name, sample


@pytest.mark.parametrize(("name", "sample"), list(public()), ids=str)
def test_every_public_pooler_comes_from_json(name: str, sample: dict[str, Any]) -> None:
    kind = getattr(seqpool, name)
    config = {"class_path": f"seqpool.{name}", "init_args": {key: written(value) for key, value in sample.items()}}
    built = build_pooler(json.loads(json.dumps(config)), WIDTH)
    given = {"in_features": WIDTH} if "in_features" in inspect.signature(kind).parameters else {}
    listed = {key for key, p in inspect.signature(kind).parameters.items() if p.kind is p.VAR_POSITIONAL}
    expected = kind(
        *[item for key in listed for item in sample.get(key, ())],
        **given,
        **{key: value for key, value in sample.items() if key not in listed},
    )
    assert type(built) is kind
    assert repr(built) == repr(expected)
    assert {key: t.shape for key, t in built.state_dict().items()} == {
        key: t.shape for key, t in expected.state_dict().items()
    }


def test_a_width_of_ones_own_is_kept() -> None:
    config = {"class_path": "seqpool.AttentionPooler", "init_args": {"in_features": 3}}
    assert build_pooler(config, WIDTH).state_dict()["score.weight"].shape == (1, 3)
    assert config == {"class_path": "seqpool.AttentionPooler", "init_args": {"in_features": 3}}


def test_poolers_within_poolers_get_the_width() -> None:
    inner = {"class_path": "seqpool.AdditiveAttentionPooler", "init_args": {"hidden_features": 2}}
    nested = {"class_path": "seqpool.ConcatPooler", "init_args": {"poolers": ["seqpool.LastPooler", inner]}}
    outer = {"class_path": "seqpool.ConcatPooler", "init_args": {"poolers": [nested, "seqpool.AttentionPooler"]}}
    pooler = build_pooler(outer, WIDTH)
    assert pooler.out_features(WIDTH) == 3 * WIDTH
    assert pooler.state_dict()["poolers.0.poolers.1.score.0.weight"].shape == (2, WIDTH)


def test_a_pooler_of_ones_own_is_found_by_its_path() -> None:
    path = f"{OwnPooler.__module__}.OwnPooler"
    built = build_pooler({"class_path": path, "init_args": {"scale": 2.0}}, WIDTH)
    assert isinstance(built, OwnPooler)
    assert built.scale == 2.0


def test_a_configuration_imports_nothing() -> None:
    script = (
        "import sys; from seqpool.integrations.config import build_pooler\n"
        "try: build_pooler('antigravity.Pooler', 8)\n"
        "except ValueError: print('antigravity' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"


def test_tuples_become_what_a_file_gives_back() -> None:
    config = {"class_path": "seqpool.ConcatPooler", "init_args": {"poolers": ("seqpool.LastPooler",)}}
    assert as_json(config) == json.loads(json.dumps(config))


ODD: Any = {"pooler": seqpool.LastPooler(), "list": ["seqpool.LastPooler"], "type": {"class_path": OwnPooler}}
REFUSALS = {
    "a pooler": Refusal(
        lambda: build_pooler(ODD["pooler"], 8), TypeError, "class path", "LastPooler", "name its class"
    ),
    "a list": Refusal(lambda: build_pooler(ODD["list"], 8), TypeError, "class path", "a list", "name its class"),
    "no JSON": Refusal(lambda: as_json(ODD["type"]), TypeError, "JSON", "OwnPooler", "not JSON serializable"),
    "not there": Refusal(
        lambda: build_pooler("seqpool.NoPooler", 8),
        ValueError,
        "name a pooler",
        "'seqpool.NoPooler'",
        "import the module",
    ),
    "abstract": Refusal(
        lambda: build_pooler("seqpool.Pooler", 8), ValueError, "name a pooler", "'seqpool.Pooler'", "MaskedMeanPooler"
    ),
    "no pooler": Refusal(
        lambda: build_pooler("seqpool.view", 8), ValueError, "name a pooler", "'seqpool.view'", "MaskedMeanPooler"
    ),
    "other code": Refusal(
        lambda: build_pooler({"class_path": "os.system", "init_args": {"command": "false"}}, 8),
        ValueError,
        "name a pooler",
        "'os.system'",
        "MaskedMeanPooler",
    ),
    "keys": Refusal(
        lambda: build_pooler({"class_path": "seqpool.BiMergePooler", "merge": "max"}, 8),
        ValueError,
        "class_path",
        "['class_path', 'merge']",
        "init_args",
    ),
    "argument": Refusal(
        lambda: build_pooler({"class_path": "seqpool.BiMergePooler", "init_args": {"mode": "max"}}, 8),
        ValueError,
        "takes merge",
        "mode came",
        "drop it",
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals(name: str) -> None:
    REFUSALS[name].check()
