"""Run by itself, with compiled kernels: poolers on the fake accelerator, down to the launch, in one stage and two."""

import os
import sys
from unittest.mock import patch

from seqpool import ops
from seqpool.ops import choice
from seqpool.ops.triton import address, language, sums
from tests.contract.checks_accelerator import check_no_sync
from tests.contract.discovery import FIRST, Case
from tests.contract.layouts import LAYOUTS

A_VERB_EACH = {"MaskedSumPooler", "MaskedMaxPooler", "AdditiveAttentionPooler", "LogSumExpPooler", "StatisticsPooler"}
AN_ADDRESS_EACH = ("right_padded", "holes", "time_major", "packed_unsorted", "flat_int64", "nested_gaps")


def run(long: int, cases: list[Case], layouts: tuple[str, ...]) -> int:
    """Sums launched, where sequences count as long beyond so many steps."""
    with patch.object(address, "LONG", long), patch(f"{sums.__name__}.launch", wraps=language.launch) as launch:
        for case in cases:
            for layout in layouts:
                check_no_sync(case, LAYOUTS[layout])
    return launch.call_count


def main(everything: bool) -> None:
    """Print how often sums were launched, in one stage and in two."""
    cases = [case for case in FIRST if everything or case.cls.__name__ in A_VERB_EACH]
    layouts = tuple(LAYOUTS) if everything else AN_ADDRESS_EACH
    # Tried out on the CPU and then kept: before kernels are asked for, which a CPU tensor would be refused.
    assert all(case.directions for case in cases)
    with patch.object(choice, "RUN_ON", {"gpu"}), ops.backend("triton"):
        sys.stdout.write(f"{run(address.LONG, cases, layouts)} {run(1, cases, layouts)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(everything="all" in sys.argv)
    # The fake accelerator has no orderly end: the interpreter's own exit aborts.
    os._exit(0)
