"""A number is written only for what is right."""

from collections.abc import Callable
from dataclasses import replace
from statistics import median

import pytest
import torch
from torch import Tensor

from benchmarks.throughput import devices
from benchmarks.throughput.devices import copy_bandwidth, facts, peak_bytes
from benchmarks.throughput.measure import OURS, PASSES, Bench, contenders, measure
from benchmarks.throughput.rows import Case
from benchmarks.throughput.trial import Contender, Run, Trial
from benchmarks.timing import wall
from seqpool.ops import backend
from tests.benchmarks.conftest import CASE

Offer = Callable[..., dict[str, Contender]]


def planted(name: str, change: Callable[[Trial], Run]) -> Offer:
    """All contenders, one of them changed."""

    def offer(trial: Trial, *, compiled: bool) -> dict[str, Contender]:
        found = contenders(trial, compiled=compiled)
        return found | {name: replace(found[name], run=change(trial))}

    return offer


def wrong_value(trial: Trial) -> Run:
    return lambda stored: trial.pool(stored) * 1.01


def wrong_gradient(trial: Trial) -> Run:
    return lambda stored: 2 * trial.pool(stored) - trial.pool(stored).detach()


def leak(trial: Trial) -> Run:
    """Right in value, but the padding gets a gradient."""

    def run(stored: Tensor) -> Tensor:
        padding = stored.flatten(0, -2).index_fill(0, trial.batch.layout.rows, 0).sum()
        return trial.pool(stored) + padding - padding.detach()

    return run


def not_a_number(trial: Trial) -> Run:
    return lambda stored: trial.pool(stored) * float("nan")


def raising(trial: Trial) -> Run:
    def run(stored: Tensor) -> Tensor:
        raise RuntimeError("no kernel\nfor this")

    return run


FAULTS: dict[Callable[[Trial], Run], str] = {
    wrong_value: "output: off by",
    wrong_gradient: "gradient: off by",
    leak: "gradient: not 0 on padding",
    not_a_number: "output: off by nan",
    raising: "RuntimeError: no kernel",
}


@pytest.mark.parametrize("change", FAULTS)
def test_a_wrong_result_of_ours_is_not_written_and_nor_is_what_it_would_be_compared_with(
    change: Callable[[Trial], Run], bench: Bench
) -> None:
    outcome = measure(CASE, bench, planted(OURS, change))
    assert outcome.rows == []
    ours = [entry for entry in outcome.left_out if entry.contender == OURS]
    assert [entry.passes for entry in ours] == list(PASSES)
    assert all(entry.reason.startswith(FAULTS[change]) for entry in ours)
    others = [entry for entry in outcome.left_out if entry.contender != OURS]
    assert others
    assert all(entry.reason.startswith("not compared, seqpool is wrong: ") for entry in others)


def test_a_wrong_rival_is_left_out_alone(bench: Bench) -> None:
    outcome = measure(CASE, bench, planted("textbook", wrong_gradient))
    written = {(row.contender, row.passes) for row in outcome.rows}
    assert {(OURS, passes) for passes in PASSES} | {("textbook", "forward")} <= written
    assert ("textbook", "forward+backward") not in written
    assert [(entry.contender, entry.passes) for entry in outcome.left_out] == [("textbook", "forward+backward")]


def misplaced(trial: Trial) -> Run:
    """Right in value, and the gradient of each sequence has the right sum, but its last step gets it."""
    last = trial.batch.layout.rows[trial.batch.offsets[1:] - 1]

    def run(stored: Tensor) -> Tensor:
        step = stored.flatten(0, -2)[last]
        return trial.pool(stored).detach() + step - step.detach()

    return run


def last_of_the_equal(trial: Trial) -> Run:
    """The maximum, its gradient to the last maximal step."""

    def run(stored: Tensor) -> Tensor:
        sequences = torch.split(trial.batch.steps(stored), trial.batch.layout.lengths.tolist())
        return torch.stack([sequence.flip(0).max(0).values for sequence in sequences])

    return run


@pytest.mark.parametrize("pooler", ["max", "min"])
@pytest.mark.parametrize("layout", ["padded", "packed"])
def test_a_gradient_on_the_wrong_step_is_seen(pooler: str, layout: str, bench: Bench) -> None:
    case = replace(CASE, pooler=pooler, layout=layout)
    ours = measure(case, bench, planted(OURS, misplaced))
    assert ours.rows == []
    assert ours.left_out[0].contender == OURS
    assert ours.left_out[0].reason.startswith("gradient: off by")
    rival = measure(case, bench, planted("textbook", misplaced))
    assert [(entry.contender, entry.passes) for entry in rival.left_out] == [("textbook", "forward+backward")]
    assert rival.left_out[0].reason == "gradient: not 0 on a step of another value than the result"


def test_only_rivals_may_give_the_gradient_to_another_of_equal_steps(bench: Bench) -> None:
    tied = Case("max", "padded", "4x64x64:uniform", "bfloat16")
    assert measure(tied, bench, planted("textbook", last_of_the_equal)).left_out == []
    outcome = measure(tied, bench, planted(OURS, last_of_the_equal))
    assert outcome.rows == []
    assert any(entry.reason.startswith("gradient: off by") for entry in outcome.left_out)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_numbers_of_a_row(dtype: str, bench: Bench) -> None:
    width = 4 if dtype == "float32" else 2
    outcome = measure(Case("max", "padded", "2x3x8", dtype), bench)
    moved = {"forward": (6 + 2) * 8 * width, "forward+backward": (6 + 2 + 2 + 6) * 8 * width}
    for row in outcome.rows:
        assert row.p20_ms <= row.median_ms <= row.p80_ms
        assert row.gb_per_s == pytest.approx(moved[row.passes] / row.median_ms / 1e6)
        assert row.share_of_limit == pytest.approx(row.gb_per_s / row.copy_gb_per_s)
        assert row.peak_mb >= 2 * 8 * width / 1e6
        if row.contender == OURS:
            assert (row.ratio_p20, row.ratio, row.ratio_p80) == (1, 1, 1)


def test_backward_of_attention_reads_the_steps_again_and_the_last_step_is_all_that_is_read(bench: Bench) -> None:
    def bytes_moved(pooler: str) -> dict[str, int]:
        rows = measure(Case(pooler, "flat", "2x3x8", "float32"), bench).rows
        return {row.passes: round(row.gb_per_s * row.median_ms * 1e6) for row in rows if row.contender == OURS}

    assert bytes_moved("attention") == {"forward": 8 * 32, "forward+backward": (8 + 2 + 6 + 6) * 32}
    assert bytes_moved("last") == {"forward": 4 * 32, "forward+backward": (4 + 2 + 6) * 32}


def test_peak_memory_is_what_is_held_at_a_time() -> None:
    x = torch.randn(1000, 256)

    def run() -> Tensor:
        a = x + 1
        b = a + 1
        del a
        return (b + 1).sum()

    assert peak_bytes(run, torch.device("cpu")) == pytest.approx(2 * x.nbytes, rel=0.01)


def test_the_copy_is_read_and_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(devices.COPIED, "cpu", 2**16)
    seconds: list[float] = []

    def clock(run: Callable[[], object]) -> float:
        seconds.append(wall(run))
        return seconds[-1]

    speed = copy_bandwidth(torch.device("cpu"), clock)
    assert speed == pytest.approx(2 * 2**16 / median(seconds[1:]))


def test_what_a_number_depends_on_is_named() -> None:
    found = facts(torch.device("cpu"))
    assert found["device"] == "cpu"
    assert found["torch"] == torch.__version__
    assert "1 torch thread(s)" in found["processor"]
    assert found["backend"] == "reference"
    with backend("triton"):
        # The interpreter runs kernels on the CPU in these tests.
        assert facts(torch.device("cpu")) == found | {"backend": "triton"}
    assert {
        "python",
        "gpu",
        "triton",
        "seqpool",
        "sentence-transformers",
        "torch_geometric",
        "fla-core",
    } <= found.keys()
