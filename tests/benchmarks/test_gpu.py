"""The command for a GPU, without one: its refusal, and its check and its counting on the CPU, kernels interpreted."""

import pytest
import torch

from benchmarks.gpu import check, command, cost
from benchmarks.throughput.measure import Bench
from benchmarks.throughput.rows import Case
from benchmarks.throughput.shapes import Shape
from benchmarks.timing import wall
from seqpool.ops import triton as kernels

CPU = torch.device("cpu")
SMALL = (Shape(3, 5, 6, "uniform"),)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_it_says_so_in_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        command.main([])
    assert stopped.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        "python -m benchmarks gpu: error: it needs a GPU and a CUDA or ROCm build of torch, neither is usable here"
    )


def test_every_verb_and_dtype_is_checked() -> None:
    found = list(check.checks(CPU, ["padded", "packed"], SMALL))
    assert len(found) == check.how_many(["padded", "packed"], SMALL) == 48
    assert [one for one in found if one.fault] == []


def test_a_wrong_kernel_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    total = kernels.total
    monkeypatch.setattr(kernels, "total", lambda *given: total(*given) * 1.01)
    wrong = {one.pooler for one in check.checks(CPU, ["flat"], SMALL) if "output: off by" in one.fault}
    assert "sum" in wrong


def test_costs_of_both_backends() -> None:
    found, wrong = cost.costs(Case("std", "padded", "3x5x8", "float32"), Bench(CPU, wall, 1e9, 0.01))
    assert wrong == []
    assert [(one.passes, one.backend) for one in found] == [
        (passes, backend) for passes in ("forward", "forward+backward") for backend in ("reference", "triton")
    ]
    assert all(one.median_ms > 0 and one.captures == "no: not a GPU" for one in found)
    assert all(one.p20_ms <= one.median_ms <= one.p80_ms and one.launches == 0 for one in found)
    for one in found:
        # At 1 GB/s in the limit, the share is the speed; forward reads 15 rows of 8 and writes 3.
        assert one.gb_per_s == pytest.approx(one.share_of_limit * one.copy_gb_per_s)
        if one.passes == "forward":
            assert one.gb_per_s * one.median_ms * 1e6 == pytest.approx(18 * 8 * 4)


def test_a_replay_must_give_what_the_call_gives() -> None:
    x, y = torch.ones(3), torch.zeros(2)
    assert cost.same((x, y), (x.clone(), y.clone())) == "yes"
    assert cost.same((x, y), (x, y + 1e-7)) == "no: result 1 of the replay differs from the call's"
    assert cost.same((x,), (x * float("nan"),)).startswith("no: result 0")
