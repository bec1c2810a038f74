"""What people use today, one file a package; each offers what computes the same thing from the same layout."""

from benchmarks.throughput.rivals import attention, loops, plain
from benchmarks.throughput.rivals.packages import GEOMETRIC, LINEAR_ATTENTION, PACKAGES, SENTENCE_TRANSFORMERS
from benchmarks.throughput.trial import Contender, Trial


def rivals(trial: Trial, *, compiled: bool) -> dict[str, Contender]:
    """Every rival of a pooler on a layout; those that are nothing without a compiler only with `compiled`."""
    found = plain.offer(trial, compiled=compiled) | attention.offer(trial, compiled=compiled)
    if not trial.batch.stored.is_cuda:
        # A loop in Python is a launch a step: on a GPU nobody does that.
        found |= loops.offer(trial)
    if SENTENCE_TRANSFORMERS.installed and SENTENCE_TRANSFORMERS.covers(trial):
        from benchmarks.throughput.rivals import sentence

        found |= sentence.offer(trial)
    if GEOMETRIC.installed and GEOMETRIC.covers(trial):
        from benchmarks.throughput.rivals import geometric

        found |= geometric.offer(trial)
    if LINEAR_ATTENTION.installed and LINEAR_ATTENTION.covers(trial):
        from benchmarks.throughput.rivals import linear_attention

        found |= linear_attention.offer(trial)
    return found


def absent(trial: Trial) -> dict[str, str]:
    """The packages that would compute the same and are not installed, each with the cure."""
    missing = [package for package in PACKAGES if package.covers(trial) and not package.installed]
    return {package.name: f"not installed: pip install {package.name}" for package in missing}


def versions() -> dict[str, str]:
    """The rivals' packages and their versions."""
    return {package.name: package.version for package in PACKAGES}
