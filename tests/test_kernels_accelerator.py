"""With kernels, too, nothing waits for an accelerator and no devices are mixed, on the whole way to the launch."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("which", ["a verb each", pytest.param("all", marks=pytest.mark.full)])
def test_never_waits_on_the_way_to_the_launch(which: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    command = [sys.executable, "-m", "tests.kernels_on_accelerator", which]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=Path(__file__).parents[1])
    assert done.returncode == 0, done.stderr
    once, twice = map(int, done.stdout.split())
    assert 0 < once < twice
