"""A check never seen failing is no check: each planted bug, the check that kills it, and what it slips through."""

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import pytest
import torch
from torch._dynamo.exc import TorchDynamoException, UserError
from torch._subclasses.fake_tensor import DataDependentOutputException
from torch.autograd.gradcheck import GradcheckError
from torch.onnx.errors import OnnxExporterError

import seqpool
from seqpool.poolers.base import Pooler
from tests.contract import planted, planted_classes, planted_graphs
from tests.contract.checks import (
    check_company,
    check_empties,
    check_padding,
    check_permutation,
    check_repeats,
    check_values,
)
from tests.contract.checks_accelerator import check_no_sync
from tests.contract.checks_attention import check_scaled_dot_product, check_weights
from tests.contract.checks_class import (
    check_copies,
    check_declarations,
    check_docstring,
    check_final,
    check_missing,
    check_out_features,
    check_repr,
    check_unwanted,
)
from tests.contract.checks_dtypes import (
    check_autocast,
    check_derivatives,
    check_double,
    check_half,
    check_second_derivatives,
)
from tests.contract.checks_graphs import check_compile, check_export, check_onnx, check_trace
from tests.contract.checks_storage import check_copies_nothing
from tests.contract.checks_transforms import check_sample_gradients, check_vmap
from tests.contract.contents import wild
from tests.contract.discovery import Case
from tests.contract.layouts import LAYOUTS
from tests.contract.marks import every_class
from tests.contract.rows import ROWS, mistaken_exemptions

Check = Callable[[Case], Any]
on = partial

RIGHT, LEFT, HOLES = LAYOUTS["right_padded"], LAYOUTS["left_padded"], LAYOUTS["holes"]
FLAT, UNPADDED = LAYOUTS["flat_int64"], LAYOUTS["unpadded"]
SORTED, UNSORTED = LAYOUTS["packed_sorted"], LAYOUTS["packed_unsorted"]


class Plant(NamedTuple):
    """A bug, and the check that kills it."""

    cls: type[Pooler]
    kill: Check
    slips: Check | None = None
    """A check that the bug slips through, where that shows what the other one is for."""
    how: type[Exception] = AssertionError

    def __str__(self) -> str:
        return f"{self.cls.__name__}-{_named(self.kill)}"


def _named(check: Check) -> str:
    return str(getattr(check, "func", check).__name__)


KILLS = [
    Plant(planted.LastColumn, on(check_values, layout=RIGHT), on(check_values, layout=UNPADDED)),
    Plant(planted.MeanOverT, on(check_values, layout=RIGHT), on(check_values, layout=UNPADDED)),
    Plant(planted.MeanOverT, check_padding),
    Plant(planted.MultipliedByMask, on(check_values, layout=RIGHT), on(check_values, layout=UNPADDED)),
    Plant(planted.BatchMateLeak, on(check_company, layout=RIGHT)),
    Plant(planted.FirstInPackedOrder, on(check_values, layout=UNSORTED), on(check_values, layout=SORTED)),
    Plant(planted.FirstInPackedOrder, on(check_permutation, layout=SORTED)),
    Plant(planted.MapReadsPadding, on(check_values, layout=RIGHT), on(check_company, layout=RIGHT)),
    Plant(planted.FilledWithBillion, on(check_values, layout=RIGHT, content=wild), on(check_values, layout=RIGHT)),
    Plant(planted.EvenTies, on(check_values, layout=UNPADDED, content=wild), on(check_values, layout=UNPADDED)),
    Plant(planted.SummedInHalf, on(check_half, layout=FLAT, dtype=torch.bfloat16), on(check_values, layout=FLAT)),
    Plant(planted.SpanForCount, on(check_values, layout=HOLES), on(check_values, layout=LEFT)),
    Plant(planted.WeighedByColumn, check_padding, on(check_values, layout=RIGHT)),
    Plant(planted.WeighedByColumn, on(check_values, layout=LEFT)),
    Plant(planted.DividedByNothing, on(check_empties, layout=RIGHT), on(check_values, layout=UNSORTED)),
    Plant(planted.LastSortedTogether, on(check_permutation, layout=RIGHT)),
    Plant(planted.FreshMemory, on(check_repeats, layout=RIGHT)),
    Plant(planted.Doubled, on(check_values, layout=UNSORTED)),
    Plant(planted_graphs.WideResult, on(check_half, layout=RIGHT, dtype=torch.float16), on(check_values, layout=RIGHT)),
    Plant(planted_graphs.NarrowResult, on(check_autocast, layout=RIGHT), on(check_values, layout=RIGHT)),
    Plant(planted_graphs.ThroughSingle, on(check_double, layout=RIGHT), on(check_values, layout=RIGHT)),
    Plant(planted_graphs.StoppedGradient, on(check_derivatives, layout=UNPADDED), how=GradcheckError),
    Plant(
        planted_graphs.Once,
        on(check_second_derivatives, layout=RIGHT),
        on(check_derivatives, layout=RIGHT),
        how=RuntimeError,
    ),
    Plant(planted_graphs.AsksTheValues, on(check_vmap, layout=RIGHT), on(check_values, layout=RIGHT), how=RuntimeError),
    Plant(planted_graphs.AsksTheDevice, check_sample_gradients, how=RuntimeError),
    Plant(planted_graphs.AsksTheValues, on(check_compile, layout=RIGHT), how=TorchDynamoException),
    Plant(planted_graphs.AsksTheValues, on(check_no_sync, layout=RIGHT), how=DataDependentOutputException),
    Plant(planted_graphs.AsksTheDevice, on(check_trace, layout=RIGHT)),
    Plant(planted_graphs.AsksTheDevice, on(check_no_sync, layout=RIGHT), how=DataDependentOutputException),
    Plant(planted_graphs.HostIndex, on(check_no_sync, layout=RIGHT), on(check_values, layout=RIGHT), how=RuntimeError),
    Plant(planted_graphs.BranchesOnSize, on(check_compile, layout=RIGHT), on(check_values, layout=RIGHT)),
    Plant(planted_graphs.BurnsSteps, on(check_export, layout=RIGHT), on(check_values, layout=RIGHT), how=UserError),
    Plant(
        planted_graphs.NoSuchOperator,
        on(check_onnx, layout=RIGHT),
        on(check_export, layout=RIGHT),
        how=OnnxExporterError,
    ),
    Plant(planted_graphs.WeightsOnPadding, on(check_weights, layout=RIGHT), on(check_weights, layout=UNSORTED)),
    Plant(planted_graphs.WeightsBeforeSoftmax, on(check_weights, layout=UNSORTED), on(check_values, layout=RIGHT)),
    Plant(planted_graphs.Sharpened, check_scaled_dot_product, on(check_weights, layout=RIGHT)),
    Plant(planted_classes.Unfinished, check_final),
    Plant(planted_classes.Unfinished, check_docstring),
    Plant(planted_classes.Silent, check_repr),
    Plant(planted_classes.Silent, check_out_features),
    Plant(planted_classes.Forgetful, check_copies),
    Plant(planted_classes.Orderly, check_declarations),
    Plant(planted_classes.Bent, check_declarations),
    Plant(planted_classes.TakesAll, check_unwanted),
    Plant(planted_classes.Guesses, check_missing),
]


@pytest.mark.filterwarnings("ignore")  # what a broken pooler makes torch say is not the point
@pytest.mark.parametrize("plant", KILLS, ids=str)
def test_the_contract_kills(plant: Plant) -> None:
    case = Case(plant.cls, plant.cls.samples[0])
    if plant.slips is not None:
        plant.slips(case)
    with pytest.raises(plant.how):
        plant.kill(case)


def test_a_copying_view_is_killed() -> None:
    def view(output: torch.Tensor, **given: Any) -> seqpool.Sequences:
        seq = seqpool.view(output, **given)
        return dataclasses.replace(seq, values=seq.values.clone())

    with pytest.raises(AssertionError, match="moved"):
        check_copies_nothing(RIGHT, view)


def test_every_row_was_seen_failing() -> None:
    died = {_named(plant.kill) for plant in KILLS}
    assert died >= {check.__name__ for check in ROWS.values()}, "plant a bug for each new check"


@every_class
def test_exemptions_name_rows_of_the_contract(case: Case) -> None:
    assert mistaken_exemptions(case.cls) == []


def test_a_mistaken_exemption_is_named() -> None:
    unknown, silent = mistaken_exemptions(planted_classes.Exempt)
    assert unknown.startswith("no such row is no row of ")
    assert silent == "half has no reason"


def test_an_exempt_class_is_skipped_with_its_reason() -> None:
    case = Case(planted_classes.Exempt, {})
    with pytest.raises(pytest.skip.Exception, match="it bends"):
        check_declarations(case)
    with pytest.raises(AssertionError, match="lacks"):
        check_docstring(case)
