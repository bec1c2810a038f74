"""What is measured on the CPU is the work, not the first touch of new memory."""

import subprocess
import sys

import pytest

FAULTS = """
import resource, torch
from benchmarks.timing import keep_memory
said = keep_memory()
torch.ones(2**26)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(40):
    torch.ones(2**24)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before, said)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="mallopt is the C library's on Linux")
def test_memory_that_was_freed_is_taken_again() -> None:
    """64 MiB are 16,384 pages, each a fault where they are new; the heap takes some calls to settle."""
    done = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True, check=True)
    faults, said = done.stdout.strip().split(maxsplit=1)
    assert said == "keeps what is freed"
    assert int(faults) < 40 * 16384 / 3
