"""Two files of results: what got slower, and what faster, beyond the noise of both."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.throughput.measure import OURS
from benchmarks.throughput.rows import Results, Row

MARGIN = 1.05
"""A median must move by more than that as well: intervals of calm runs are narrower than what machines drift."""


@dataclass(frozen=True)
class Change:
    """One of seqpool's measurements in both files."""

    before: Row
    after: Row

    @property
    def times(self) -> float:
        """Time after over time before."""
        return self.after.median_ms / self.before.median_ms

    @property
    def slower(self) -> bool:
        """Whether its 20th percentile lies above the 80th of before."""
        return self.times > MARGIN and self.after.p20_ms > self.before.p80_ms

    @property
    def faster(self) -> bool:
        """Whether its 80th percentile lies below the 20th of before."""
        return self.times < 1 / MARGIN and self.after.p80_ms < self.before.p20_ms

    def __str__(self) -> str:
        ms = " -> ".join(
            f"{row.median_ms:.3f} [{row.p20_ms:.3f}, {row.p80_ms:.3f}]" for row in (self.before, self.after)
        )
        row = self.after
        return f"x{self.times:.2f}  {row.case}, {row.device}, {row.passes}, {row.contender}: {ms} ms"


def compare(before: Sequence[Row], after: Sequence[Row]) -> list[Change]:
    """What seqpool did in both, slowest change first; rivals are not ours to watch.

    Raises:
        ValueError: the files have no measurement of seqpool in common.
    """
    old = {row.key: row for row in before if row.contender.startswith(OURS)}
    changes = [Change(old[row.key], row) for row in after if row.key in old]
    if not changes:
        raise ValueError("the files must have a measurement of seqpool in common, they have none: run the same cases")
    return sorted(changes, key=lambda change: -change.times)


def judgement(before: Results, after: Results, changes: Sequence[Change]) -> list[str]:
    """The comparison in lines."""
    differing = [name for name in sorted(before.facts.keys() | after.facts.keys())
                 if before.facts.get(name) != after.facts.get(name)]  # fmt: skip  # a table
    lines = [f"{name}: {before.facts.get(name)} -> {after.facts.get(name)}" for name in differing]
    if {"device", "processor", "gpu"} & set(differing):
        lines.append("The machines differ: times are not comparable, read the ratios of the reports instead.")
    for title, found in (
        ("slower", [change for change in changes if change.slower]),
        ("faster", [change for change in changes[::-1] if change.faster]),
    ):
        lines += [f"{title}, beyond the noise: {len(found)} of {len(changes)}", *(f"  {change}" for change in found)]
    held = {change.before.key for change in changes}
    gone = [row for row in before.rows if row.contender.startswith(OURS) and row.key not in held]
    lines += [f"only before: {row.case}, {row.passes}, {row.contender}" for row in gone]
    return lines
