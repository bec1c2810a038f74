"""What `explain` is asked to look at, checked."""

from dataclasses import dataclass
from typing import Any, final

from torch import nn

KINDS: dict[str, type[nn.RNN | nn.LSTM | nn.GRU]] = {"rnn": nn.RNN, "rnn_relu": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


@final
@dataclass(frozen=True, kw_only=True)
class Setup:
    """A recurrent network and the lengths of one batch.

    Raises:
        ValueError: no such network, or no such batch.
    """

    kind: str
    lengths: tuple[int, ...]
    layers: int = 1
    bidirectional: bool = False
    batch_first: bool = False
    embedding: int = 128
    hidden: int = 256
    proj_size: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}, {self.kind!r} came")
        if not 0 < len(self.lengths) <= 256 or not 0 < min(self.lengths) <= max(self.lengths) <= 4096:
            raise ValueError(f"lengths must be 1 to 256 numbers between 1 and 4096, {_shown(self.lengths)} came")
        for name, most in (("layers", 16), ("embedding", 4096), ("hidden", 4096)):
            if not 1 <= getattr(self, name) <= most:
                raise ValueError(f"{name} must be between 1 and {most}, {getattr(self, name)} came")
        if self.proj_size and self.kind != "lstm":
            raise ValueError(f"proj_size is the LSTM's alone, {self.proj_size} came with {self.kind}: drop it")
        if not 0 <= self.proj_size < self.hidden:
            raise ValueError(f"proj_size must be 0 (none) or below hidden={self.hidden}, {self.proj_size} came")
        if not 0 <= self.seed < 2**63:
            raise ValueError(f"seed must be 0 or a larger 63-bit number, {self.seed} came")

    @property
    def steps(self) -> int:
        """T, the longest length."""
        return max(self.lengths)

    @property
    def width(self) -> int:
        """H, the width of one direction's state."""
        return self.proj_size or self.hidden

    @property
    def directions(self) -> tuple[str, ...]:
        """What each half of a cell of `output` holds."""
        return ("forward", "backward") if self.bidirectional else ("forward",)

    def build(self) -> nn.RNNBase:
        """The network, with weights from the global generator."""
        return KINDS[self.kind](self.embedding, self.hidden, **self._options())

    def constructor(self) -> str:
        """The network as one writes it."""
        options = "".join(f", {name}={value!r}" for name, value in self._options().items())
        return f"nn.{KINDS[self.kind].__name__}({self.embedding}, {self.hidden}{options})"

    def step(self, index: int | str) -> str:
        """All sequences' cells at one step, as one writes it."""
        return f"output[:, {index}]" if self.batch_first else f"output[{index}]"

    def _options(self) -> dict[str, Any]:
        given: dict[str, tuple[Any, Any]] = {
            "num_layers": (self.layers, 1),
            "nonlinearity": ("relu" if self.kind == "rnn_relu" else "tanh", "tanh"),
            "bidirectional": (self.bidirectional, False),
            "batch_first": (self.batch_first, False),
            "proj_size": (self.proj_size, 0),
        }
        return {name: value for name, (value, default) in given.items() if value != default}


def _shown(lengths: tuple[int, ...]) -> str:
    return ", ".join(map(str, lengths[:12])) + (f", … ({len(lengths)} in all)" if len(lengths) > 12 else "")
