"""Every pooler that the library exports, with every entry of its samples; nothing is listed by hand."""

import copy
import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from types import FrameType
from typing import Any

import torch
from torch import Tensor, nn

import seqpool.poolers
from seqpool import ops
from seqpool.poolers.base import AttentionBase, Pooler
from tests.contract.batches import INPUT, Batch, assemble, lstm
from tests.contract.contents import Content, plain

WIDTH = 4
VERBS = [name for name in ops.__all__ if name != "backend"]

Source = tuple[list[Tensor], Callable[[Sequence[Tensor]], Batch]]
"""Leaves, and how a batch comes from them."""

EXTRAS: dict[str, Callable[[int, int, int], Tensor]] = {
    "weights": lambda steps, sequences, width: 0.1 + torch.rand(steps),  # noqa: ARG005  # one signature for all
    "query": lambda steps, sequences, width: torch.randn(sequences, width),  # noqa: ARG005  # each entry is called alike
}
"""What a pooler may need beside steps and states, for so many steps and sequences."""


@dataclass(frozen=True, eq=False)
class Case:
    """A pooler class and the keyword arguments of one instance of it."""

    cls: type[Pooler]
    sample: dict[str, Any]

    def __str__(self) -> str:
        shown = ",".join(f"{key}={value}" for key, value in self.sample.items() if isinstance(value, str | int | float))
        return f"{self.cls.__name__}({shown})"

    def build(self, width: int = WIDTH) -> Pooler:
        """A new instance, its parameters moved off their symmetric start."""
        pooler = self.start(width)
        with torch.no_grad():
            for weight in pooler.parameters():
                weight.add_(torch.randn_like(weight) * 0.3)
        return pooler

    def start(self, width: int = WIDTH) -> Pooler:
        """A new instance as its constructor leaves it."""
        kwargs = copy.deepcopy(self.sample)
        args: tuple[Any, ...] = ()
        for name, parameter in inspect.signature(self.cls).parameters.items():
            if name == "in_features":
                kwargs[name] = width
            if parameter.kind is inspect.Parameter.VAR_POSITIONAL and name in kwargs:
                args = kwargs.pop(name)
        return self.cls(*args, **kwargs).eval()

    @cached_property
    def needs(self) -> tuple[str, ...]:
        return self.start().needs

    def encoder(self, directions: int, width: int = WIDTH, dtype: torch.dtype = torch.float32) -> nn.LSTM:
        """An LSTM that this pooler can sit on."""
        return lstm(width, int(self.sample.get("num_layers", 2)), directions, dtype)

    @cached_property
    def directions(self) -> tuple[int, ...]:
        """Directions of the RNNs that this pooler takes; it refuses the others when it sees their `h_n`."""
        taken = tuple(directions for directions in (1, 2) if self._takes(directions))
        assert taken, f"{self} takes the states of no RNN"
        return taken

    def _takes(self, directions: int) -> bool:
        output, (h_n, c_n) = self.encoder(directions)(torch.randn(5, INPUT))
        extras = {name: extra(5, 1, WIDTH) for name, extra in EXTRAS.items() if name in self.needs}
        try:
            self.start()(output, (h_n.unsqueeze(1), c_n.unsqueeze(1)), offsets=[0, 5], **extras)
        except ValueError as refusal:
            if "directional RNN" not in str(refusal):
                raise
            return False
        return True

    def sources(
        self,
        lengths: Sequence[int],
        *,
        states: bool = False,
        content: Content = plain,
        width: int = WIDTH,
        dtype: torch.dtype = torch.float32,
    ) -> Iterator[Source]:
        """Random sequences, as they are, or through each kind of RNN that this pooler takes."""
        names = [name for name in EXTRAS if name in self.needs]
        extras = [EXTRAS[name](sum(lengths), len(lengths), width) for name in names]
        recurrent = states or "h_n" in self.needs
        for directions in self.directions if recurrent else (0,):
            root = content(lengths, INPUT if recurrent else width)
            rnn = self.encoder(directions, width, dtype) if recurrent else None
            leaves = [leaf.to(dtype).requires_grad_() for leaf in (root, *extras)]
            yield leaves, partial(assemble, lengths=lengths, names=names, rnn=rnn)

    def batches(
        self,
        lengths: Sequence[int],
        *,
        states: bool = False,
        content: Content = plain,
        width: int = WIDTH,
        dtype: torch.dtype = torch.float32,
    ) -> Iterator[Batch]:
        """The batches of `sources`."""
        for leaves, make in self.sources(lengths, states=states, content=content, width=width, dtype=dtype):
            yield make(leaves)

    @cached_property
    def exact(self) -> bool:
        """Whether results agree bit for bit: a feature depends on two numbers at most, however many there are."""
        batch = next(self.batches((7,)))
        x = batch.table.detach().requires_grad_()
        pooled = self.build().one(x, *batch.beside(0, self.needs))
        return all(_touched(feature, x) <= 2 for feature in pooled)


def _touched(feature: Tensor, x: Tensor) -> int:
    if not feature.requires_grad:
        return 0
    grad = torch.autograd.grad(feature, x, retain_graph=True, materialize_grads=True)[0]
    return int((grad != 0).sum())


def _cases() -> list[Case]:
    exported = [getattr(seqpool.poolers, name) for name in seqpool.poolers.__all__]
    poolers = [cls for cls in exported if inspect.isclass(cls) and issubclass(cls, Pooler)]
    return [Case(cls, sample) for cls in poolers if not inspect.isabstract(cls) for sample in cls.samples]


def _verbs_of(case: Case) -> set[str]:
    """The verbs that a pooler calls, as the interpreter sees it call them."""
    names = {getattr(ops, name).__code__: name for name in VERBS}
    seen: set[str] = set()

    def note(frame: FrameType, event: str, arg: object) -> None:
        if event == "call" and frame.f_code in names:
            seen.add(names[frame.f_code])

    pooler, rows = case.start(), torch.randn(5, WIDTH)
    extras = {name: extra(5, 2, WIDTH) for name, extra in EXTRAS.items() if name in case.needs}
    sys.setprofile(note)
    try:
        pooler(rows, offsets=[0, 3, 5], **extras)
    finally:
        sys.setprofile(None)
    return seen


def _every_verb(cases: list[Case]) -> list[Case]:
    """Few poolers that call every verb: the rarest verb first, by whoever calls it and little else."""
    used = {case: _verbs_of(case) for case in cases if "h_n" not in case.needs}
    users = {verb: [case for case in used if verb in used[case]] for verb in VERBS}
    chosen: list[Case] = []
    for verb in sorted(VERBS, key=lambda verb: len(users[verb])):
        if not any(verb in used[case] for case in chosen):
            chosen.append(min(users[verb], key=lambda case: len(used[case])))
    return chosen


CASES = _cases()
FIRST = [case for case in CASES if case.sample is case.cls.samples[0]]
READERS = [case for case in FIRST if "h_n" in inspect.getsource(sys.modules[case.cls.__module__])]
"""Poolers whose file speaks of final states; the others read rows alone, whatever states come with them."""
ATTENTION = [case for case in CASES if issubclass(case.cls, AttentionBase)]
SCORED = [case for case in ATTENTION if hasattr(case.start(), "score")]
NEEDY = [case for case in FIRST if case.needs]
EVERY_VERB = _every_verb(CASES)
