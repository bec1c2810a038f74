"""One case: build it, ask the oracle, let every contender that is right run in turn, and put it into rows."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from benchmarks.throughput.batches import build
from benchmarks.throughput.devices import launches, peak_bytes
from benchmarks.throughput.oracle import Wanted, define, wrong_backward, wrong_forward
from benchmarks.throughput.rivals import absent, rivals
from benchmarks.throughput.rows import Case, LeftOut, Row
from benchmarks.throughput.shapes import Shape
from benchmarks.throughput.subjects import SUBJECTS
from benchmarks.throughput.trial import Contender, Trial
from benchmarks.timing import Run, by_rounds, ratio, spread

OURS, COMPILED = "seqpool", "seqpool, compiled"
FORWARD, TRAINING = "forward", "forward+backward"
PASSES = (FORWARD, TRAINING)
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
FEWEST, MOST = 5, 101


@dataclass(frozen=True)
class Bench:
    """Where and for how long to measure."""

    device: torch.device
    clock: Callable[[Run], float]
    bandwidth: float
    seconds: float
    passes: tuple[str, ...] = PASSES
    compiled: bool = True


@dataclass
class Outcome:
    """What came of a case."""

    rows: list[Row] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)


def trial_of(case: Case, device: torch.device) -> Trial:
    """The pooler, seeded, and its batch."""
    shape, dtype = Shape.parse(case.shape), DTYPES[case.dtype]
    torch.manual_seed(0)
    pooler = SUBJECTS[case.pooler].make(shape.features).to(device, dtype)
    return Trial(case.pooler, pooler, build(case.layout, shape, dtype, device))


def contenders(trial: Trial, *, compiled: bool) -> dict[str, Contender]:
    """The pooler, and all that computes the same."""
    parameters = tuple(trial.pooler.parameters())
    found = {OURS: Contender(trial.pool, parameters)}
    if compiled:
        layout, fused = trial.batch.layout, torch.compile(trial.pooler, dynamic=False)
        found[COMPILED] = Contender(lambda stored: fused(layout.output(stored), **layout.given), parameters)
    others = rivals(trial, compiled=compiled)
    return found | {name: replace(rival, ties=trial.subject.tied) for name, rival in others.items()}


def measure(case: Case, bench: Bench, offer: Callable[..., dict[str, Contender]] = contenders) -> Outcome:
    """Measure a case, forward alone and with backward."""
    # All poolers share the base's `forward`, hence one budget of recompiles.
    torch._dynamo.reset()
    outcome = Outcome()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # prototypes among the rivals announce themselves
        trial = trial_of(case, bench.device)
        wanted = define(trial.pooler, trial.batch)
        found = offer(trial, compiled=bench.compiled)
        # Ours has no number at all, of neither pass, unless its gradients are right as well.
        ours = fault(trial, found[OURS], wanted, TRAINING)
        missing = absent(trial)
        for passes in bench.passes:
            outcome.left_out += [
                LeftOut(**vars(case), passes=passes, contender=name, reason=why) for name, why in missing.items()
            ]
            right = {}
            for name, contender in found.items():
                reason = ours or fault(trial, contender, wanted, passes)
                if reason:
                    why = f"not compared, seqpool is wrong: {reason}" if ours and name != OURS else reason
                    outcome.left_out.append(LeftOut(**vars(case), passes=passes, contender=name, reason=why))
                else:
                    right[name] = call(trial, contender, wanted, passes)
            if right:
                outcome.rows += rows(case, passes, trial, wanted, right, bench)
    return outcome


def call(trial: Trial, contender: Contender, wanted: Wanted, passes: str) -> Callable[[], tuple[Tensor, ...]]:
    """One pass: the result, or the gradients of what is stored and of the parameters."""
    stored = trial.batch.stored
    constant = stored.detach()

    def forward() -> tuple[Tensor, ...]:
        with torch.no_grad():
            return (contender.run(constant),)

    def training() -> tuple[Tensor, ...]:
        pooled = contender.run(stored)
        return torch.autograd.grad(pooled, [stored, *contender.parameters], wanted.cotangent)

    return forward if passes == FORWARD else training


def fault(trial: Trial, contender: Contender, wanted: Wanted, passes: str) -> str | None:
    """Why a contender gets no number in a pass, or `None` where it agrees with the oracle."""
    try:
        wrong = wrong_forward(call(trial, contender, wanted, FORWARD)()[0], wanted)
        if wrong or passes == FORWARD:
            return wrong
        gradients = call(trial, contender, wanted, TRAINING)()
    except Exception as error:  # what a rival raises where it does not work is its own affair
        first = str(error).strip().splitlines() or [""]
        return f"{type(error).__name__}: {first[0][:160]}"
    return wrong_backward(gradients if contender.shared else gradients[:1], wanted, trial.batch, ties=contender.ties)


def rows(case: Case, passes: str, trial: Trial, wanted: Wanted, right: Mapping[str, Run], bench: Bench) -> list[Row]:
    """Run all in turn, as many rounds as the time allows, and count."""
    once = sum(bench.clock(run) for run in right.values())
    rounds = min(MOST, max(FEWEST, int(bench.seconds / once)))
    seconds = by_rounds(right, rounds, bench.clock)
    moved = must_move(trial, wanted, passes)
    found = []
    for name, run in right.items():
        taken, against = spread(seconds[name]), ratio(seconds, name, OURS)
        found.append(
            Row(
                device=bench.device.type, **vars(case), passes=passes, contender=name, rounds=rounds,
                median_ms=1000 * taken.median, p20_ms=1000 * taken.p20, p80_ms=1000 * taken.p80,
                gb_per_s=moved / taken.median / 1e9, share_of_limit=moved / bench.bandwidth / taken.median,
                copy_gb_per_s=bench.bandwidth / 1e9,
                ratio=against.median, ratio_p20=against.p20, ratio_p80=against.p80,
                peak_mb=peak_bytes(run, bench.device) / 1e6, launches=launches(run, bench.device),
            )
        )  # fmt: skip  # a table
    return found


def must_move(trial: Trial, wanted: Wanted, passes: str) -> int:
    """Bytes that no way of computing it can spare."""
    steps = trial.batch.steps(trial.batch.stored.detach())
    pooled = wanted.cotangent
    forward = trial.subject.forward_bytes(steps, pooled)
    return forward if passes == FORWARD else forward + trial.subject.backward_bytes(steps, pooled, trial.batch.stored)
