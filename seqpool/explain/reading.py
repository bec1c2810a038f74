"""Which cells of `output` and which rows of the states a pooler reads, found by putting NaN into one at a time."""

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor
from torch.nn.utils.rnn import pack_padded_sequence

from seqpool.explain.runs import Run
from seqpool.explain.setup import Setup
from seqpool.poolers import (
    AdditiveAttentionPooler,
    AttentionPooler,
    BiConcatPooler,
    BiMergePooler,
    CellStatePooler,
    FirstPooler,
    LastHiddenPooler,
    LastPooler,
    LayerConcatPooler,
    MaskedMaxPooler,
    MaskedMeanPooler,
    MaskedMinPooler,
    MaskedSumPooler,
    ScalarMixPooler,
)
from seqpool.poolers.base import Pooler

_MOST_STEPS = 12


@final
@dataclass(frozen=True)
class Reader:
    """A pooler: the cells it reads of each sequence as (step, half), and the rows of `h_n` and `c_n` where packed."""

    name: str
    cells: tuple[tuple[tuple[int, int], ...], ...]
    h_n: tuple[int, ...]
    c_n: tuple[int, ...]
    reads_padding: bool
    same_either_way: bool


def shown_steps(setup: Setup) -> tuple[int, ...]:
    """Every step of a short batch; of a long one, the first, and those where sequences end."""
    if setup.steps <= _MOST_STEPS:
        return tuple(range(setup.steps))
    ends = sorted({n - 1 for n in setup.lengths})
    edge = min(setup.lengths[example(setup)], setup.steps - 1)
    return tuple(sorted({0, 1, edge, *ends[: _MOST_STEPS - 4], setup.steps - 1}))


def example(setup: Setup) -> int:
    """The sequence whose cells are shown: the shortest of two steps or more."""
    return min(range(len(setup.lengths)), key=lambda b: (setup.lengths[b] < 2, setup.lengths[b]))


def read_by(setup: Setup, run: Run, steps: tuple[int, ...]) -> tuple[Reader, ...]:
    """What each pooler that fits the network reads."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(setup.seed)
        return tuple(_read(setup, run, steps, pooler) for pooler in _poolers(setup))


def _poolers(setup: Setup) -> list[Pooler]:
    width, layers = setup.width * len(setup.directions), setup.layers
    ends: list[Pooler] = [LastHiddenPooler()]
    if setup.bidirectional:
        halves = LastHiddenPooler(direction="forward"), LastHiddenPooler(direction="backward")
        ends = [BiConcatPooler(), BiMergePooler(), *halves]
    steps = [MaskedMeanPooler(), MaskedMaxPooler(), MaskedMinPooler(), MaskedSumPooler()]
    attention = [AttentionPooler(width), AdditiveAttentionPooler(width)]
    states: list[Pooler] = [LayerConcatPooler(layers), ScalarMixPooler(layers)]
    if setup.kind == "lstm":
        states.append(CellStatePooler(cell_features=setup.hidden * len(setup.directions)))
    return [*ends, LastPooler(), FirstPooler(), *steps, *attention, *states]


def _read(setup: Setup, run: Run, steps: tuple[int, ...], pooler: Pooler) -> Reader:
    cells: list[list[tuple[int, int]]] = [[] for _ in setup.lengths]
    for step in steps:
        for half in range(len(setup.directions)):
            output = run.output.clone()
            output[step, :, half * setup.width : (half + 1) * setup.width] = torch.nan
            for b in _reached(_pool_rows(setup, run, pooler, output)):
                cells[b].append((step, half))
    h_n = [k for k, states in enumerate(_poisoned(run.h_n)) if _reached(_pool_packed(run, pooler, h_n=states))]
    c_n = []
    if run.c_n is not None:
        c_n = [k for k, states in enumerate(_poisoned(run.c_n)) if _reached(_pool_packed(run, pooler, c_n=states))]
    return Reader(
        name=f"{type(pooler).__name__}({pooler.extra_repr()})",
        cells=tuple(map(tuple, cells)),
        h_n=tuple(h_n),
        c_n=tuple(c_n),
        reads_padding=any(step >= n for n, read in zip(setup.lengths, cells, strict=True) for step, _ in read),
        same_either_way=torch.equal(_pool_rows(setup, run, pooler, run.output), _pool_packed(run, pooler)),
    )


def _pool_rows(setup: Setup, run: Run, pooler: Pooler, output: Tensor) -> Tensor:
    """Pool from the rows, or, for a pooler that needs the states, from the packed rows with them."""
    if pooler.needs:
        lengths = torch.tensor(setup.lengths)
        pooled: Tensor = pooler(pack_padded_sequence(output, lengths, enforce_sorted=False), run.states)
    else:
        pooled = pooler(output, lengths=list(setup.lengths), batch_first=False)
    return pooled


def _pool_packed(run: Run, pooler: Pooler, *, h_n: Tensor | None = None, c_n: Tensor | None = None) -> Tensor:
    h_n = run.h_n if h_n is None else h_n
    c_n = run.c_n if c_n is None else c_n
    pooled: Tensor = pooler(run.packed, h_n if c_n is None else (h_n, c_n))
    return pooled


def _poisoned(states: Tensor) -> list[Tensor]:
    """The states with NaN in one row at a time."""
    return [states.index_fill(0, torch.tensor([k]), torch.nan) for k in range(states.shape[0])]


def _reached(pooled: Tensor) -> list[int]:
    """The sequences whose vector shows a NaN."""
    return [int(b) for b in pooled.isnan().any(1).nonzero().flatten()]
