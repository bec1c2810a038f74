"""What Dynamo can guard on depends on the order of its symbols, hence on the seed of Python's hashes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import torch
import seqpool

values, offsets = torch.randn(20, 4), torch.tensor([0, 3, 9, 11, 17, 20])
output = torch.nested.nested_tensor_from_jagged(values, offsets)
pooler = seqpool.BiConcatPooler()
compiled = torch.compile(pooler, fullgraph=True, dynamic=True, backend="aot_eager")
torch.testing.assert_close(compiled(output), pooler(output))
"""


@pytest.mark.parametrize("seed", ["0", "1"])
def test_halves_of_a_nested_output_compile_under_any_hash_seed(seed: str) -> None:
    root = Path(__file__).resolve().parents[2]
    environment = os.environ | {"PYTHONHASHSEED": seed}
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=root, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
