"""The optional packages among the rivals, and what each is asked for; nothing here imports them."""

from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec

from benchmarks.throughput.trial import Trial


@dataclass(frozen=True)
class Package:
    """A package by its module and its name on PyPI, with the poolers that it has.

    `flat`: it takes flat rows only; `gpu`: it runs on a GPU only.
    """

    module: str
    name: str
    poolers: tuple[str, ...]
    flat: bool = False
    gpu: bool = False

    @property
    def installed(self) -> bool:
        """Whether it can be imported."""
        return find_spec(self.module) is not None

    @property
    def version(self) -> str:
        """Its version, or that there is none."""
        return metadata.version(self.name) if self.installed else "not installed"

    def covers(self, trial: Trial) -> bool:
        """Whether it computes what the pooler does, from that layout, on that device."""
        layout, stored = trial.batch.layout, trial.batch.stored
        return (
            trial.name in self.poolers
            and (layout.flat is not None or not self.flat)
            and (stored.is_cuda or not self.gpu)
        )


SENTENCE_TRANSFORMERS = Package(
    "sentence_transformers",
    "sentence-transformers",
    ("mean", "mean-sqrt-length", "position-weighted", "max", "last"),
)
GEOMETRIC = Package(
    "torch_geometric",
    "torch_geometric",
    ("sum", "mean", "max", "min", "median", "std", "softmax", "attention", "additive-attention"),
    flat=True,
)
LINEAR_ATTENTION = Package("fla", "fla-core", ("mean",), flat=True, gpu=True)
PACKAGES = (SENTENCE_TRANSFORMERS, GEOMETRIC, LINEAR_ATTENTION)
