"""What people use today, one file a package; each offers what computes the same thing from the same layout."""

from importlib import metadata
from importlib.util import find_spec

from benchmarks.throughput.rivals import attention, plain
from benchmarks.throughput.trial import Contender, Trial

PACKAGES = {"sentence_transformers": "sentence-transformers", "torch_geometric": "torch_geometric", "fla": "fla-core"}
"""Optional packages by their module, with their names on PyPI."""


def rivals(trial: Trial, *, compiled: bool) -> dict[str, Contender]:
    """Every rival of a pooler on a layout; those that are nothing without a compiler only with `compiled`."""
    found = plain.offer(trial, compiled=compiled) | attention.offer(trial, compiled=compiled)
    if find_spec("sentence_transformers"):
        from benchmarks.throughput.rivals import sentence

        found |= sentence.offer(trial)
    if find_spec("torch_geometric"):
        from benchmarks.throughput.rivals import geometric

        found |= geometric.offer(trial)
    if find_spec("fla") and trial.batch.stored.is_cuda:
        from benchmarks.throughput.rivals import linear_attention

        found |= linear_attention.offer(trial)
    return found


def versions() -> dict[str, str]:
    """The rivals' packages and their versions."""
    return {name: metadata.version(name) if find_spec(module) else "not installed" for module, name in PACKAGES.items()}
