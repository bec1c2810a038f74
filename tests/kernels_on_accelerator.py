"""Run by itself, with compiled kernels: poolers on the fake accelerator, down to the launch, in one stage and two."""

import os
import sys
from unittest.mock import patch

from seqpool import ops
from seqpool.ops.triton import address, language, sums
from tests.contract.checks_accelerator import check_no_sync
from tests.contract.discovery import FIRST
from tests.contract.layouts import LAYOUTS


def run(long: int) -> int:
    """Sums launched, where sequences count as long beyond so many steps."""
    with patch.object(address, "LONG", long), patch(f"{sums.__name__}.launch", wraps=language.launch) as launch:
        for case in FIRST:
            for layout in LAYOUTS.values():
                check_no_sync(case, layout)
    return launch.call_count


if __name__ == "__main__":
    # Tried out on the CPU and then kept: before kernels are asked for, which a CPU tensor would be refused.
    assert all(case.directions for case in FIRST)
    with ops.backend("triton"):
        sys.stdout.write(f"{run(address.LONG)} {run(1)}\n")
    sys.stdout.flush()
    # The fake accelerator has no orderly end: the interpreter's own exit aborts.
    os._exit(0)
