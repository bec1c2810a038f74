"""The experiment of `explain`: what holds for the tensors of one run, as plain data."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, final

import torch
from torch import Tensor

from seqpool.explain.reading import Reader, read_by, shown_steps
from seqpool.explain.runs import Run, run_both
from seqpool.explain.setup import Setup


@final
@dataclass(frozen=True, order=True)
class Cell:
    """One direction's half of `output` at one step of one sequence."""

    sequence: int
    step: int
    half: int


@final
@dataclass(frozen=True)
class StateRow:
    """A row of `h_n`, and the cells of `output` that equal it bit for bit."""

    index: int
    layer: int
    direction: str
    cells: tuple[Cell, ...]


@final
@dataclass(frozen=True)
class Damage:
    """Relative differences from the right final state, or mean, of one sequence."""

    sequence: int
    length: int
    packed_last_step: float
    unpacked_last_step: float
    unpacked_forward: float
    unpacked_backward: float | None
    unpacked_mean: float


@final
@dataclass(frozen=True)
class Claim:
    """A statement, and whether it holds for the tensors at hand."""

    text: str
    holds: bool


@final
@dataclass(frozen=True)
class Facts:
    """Everything that the pictures show."""

    setup: Setup
    torch_version: str
    output_shape: tuple[int, ...]
    h_n_shape: tuple[int, ...]
    c_n_shape: tuple[int, ...] | None
    rows: tuple[StateRow, ...]
    steps: tuple[int, ...]
    readers: tuple[Reader, ...]
    damages: tuple[Damage, ...]
    claims: tuple[Claim, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for programs."""
        return {"network": self.setup.constructor(), **asdict(self)}


def experiment(setup: Setup) -> Facts:
    """Run the network that `setup` describes, packed and not, and look at what comes out."""
    packed, unpacked = run_both(setup)
    rows = tuple(_locate(setup, packed, index) for index in range(packed.h_n.shape[0]))
    steps = shown_steps(setup)
    readers = read_by(setup, packed, steps)
    return Facts(
        setup=setup,
        torch_version=torch.__version__,
        output_shape=packed.shape,
        h_n_shape=tuple(packed.h_n.shape),
        c_n_shape=None if packed.c_n is None else tuple(packed.c_n.shape),
        rows=rows,
        steps=steps,
        readers=readers,
        damages=tuple(_damage(setup, packed, unpacked, b) for b in range(len(setup.lengths))),
        claims=tuple(_claims(setup, packed, rows, readers)),
    )


def _locate(setup: Setup, run: Run, index: int) -> StateRow:
    layer, direction = divmod(index, len(setup.directions))
    return StateRow(index, layer, setup.directions[direction], _cells_equal(setup, run, run.h_n[index]))


def _cells_equal(setup: Setup, run: Run, states: Tensor) -> tuple[Cell, ...]:
    """Real cells that equal their own sequence's state, bit for bit."""
    if states.shape[1] != setup.width:
        return ()
    cells = [
        Cell(b, t, half)
        for half, values in enumerate(torch.split(run.output, setup.width, 2))
        for t, b in (values == states).all(2).nonzero().tolist()
        if t < setup.lengths[b]
    ]
    return tuple(sorted(cells))


def _damage(setup: Setup, packed: Run, unpacked: Run, b: int) -> Damage:
    length, dirs = setup.lengths[b], len(setup.directions)
    right, wrong = packed.h_n[-dirs:, b], unpacked.h_n[-dirs:, b]
    return Damage(
        sequence=b,
        length=length,
        packed_last_step=_relative(packed.output[-1, b], right.flatten()),
        unpacked_last_step=_relative(unpacked.output[-1, b], right.flatten()),
        unpacked_forward=_relative(wrong[0], right[0]),
        unpacked_backward=_relative(wrong[1], right[1]) if setup.bidirectional else None,
        unpacked_mean=_relative(unpacked.output[:length, b].mean(0), packed.output[:length, b].mean(0)),
    )


def _relative(value: Tensor, right: Tensor) -> float:
    return float((value - right).norm() / right.norm().clamp(min=torch.finfo(right.dtype).tiny))


def _claims(setup: Setup, run: Run, rows: tuple[StateRow, ...], readers: tuple[Reader, ...]) -> list[Claim]:
    dirs = len(setup.directions)
    claims = [*_first_step(setup, run, rows[-1]), *_last_steps(setup, run, rows[-dirs])]
    if setup.layers > 1:
        names = span("h_n", [row.index for row in rows[:-dirs]])
        claims.append(
            Claim(f"no cell of output holds {names}: the lower layers", not any(r.cells for r in rows[:-dirs]))
        )
    if run.c_n is not None:
        held = [k for k, states in enumerate(run.c_n) if _cells_equal(setup, run, states)]
        claims.append(Claim("no cell of output holds a row of c_n", not held))
    same = all(reader.same_either_way for reader in readers if reader.h_n)
    return [
        *claims,
        Claim("no pooler reads padding", not any(reader.reads_padding for reader in readers)),
        Claim("h_n and the rows give the poolers of final states the same vectors, bit for bit", same),
    ]


def _first_step(setup: Setup, run: Run, row: StateRow) -> list[Claim]:
    if not setup.bidirectional:
        return []
    same = torch.equal(run.output[0, :, setup.width :], run.h_n[row.index])
    return [Claim(f"the backward half of {setup.step(0)} equals h_n[{row.index}] for every sequence", same)]


def _last_steps(setup: Setup, run: Run, row: StateRow) -> list[Claim]:
    sequences = range(len(setup.lengths))
    longest = [b for b in sequences if setup.lengths[b] == setup.steps]
    equal = (run.output[-1, :, : setup.width] == run.h_n[row.index]).all(1).nonzero().flatten().tolist()
    half = "the forward half of " if setup.bidirectional else ""
    which = f"{'sequence' if len(longest) == 1 else 'sequences'} {listed(longest)}"
    ends = [(cell.sequence, cell.step) for cell in row.cells if cell.half == 0]
    steps = listed([n - 1 for n in setup.lengths])
    return [
        Claim(f"{half}{setup.step(-1)} equals h_n[{row.index}] for the longest alone: {which}", equal == longest),
        Claim(
            f"the step that equals h_n[{row.index}] is each sequence's own length - 1: {steps}",
            ends == [(b, setup.lengths[b] - 1) for b in sequences],
        ),
    ]


def listed(numbers: Sequence[int]) -> str:
    """The first dozen numbers."""
    return ", ".join(map(str, numbers[:12])) + (", …" if len(numbers) > 12 else "")


def span(name: str, rows: Sequence[int]) -> str:
    """Neighbouring rows of a tensor, as one writes them."""
    return f"{name}[{rows[0]}]" if len(rows) == 1 else f"{name}[{rows[0]}:{rows[-1] + 1}]"
