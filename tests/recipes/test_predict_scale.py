"""Several processes predict what one does; memory does not grow with the input."""

import os
import subprocess
import sys
from pathlib import Path

from tests.recipes.conftest import Command
from tests.recipes.predictions import TEXTS

ROOT = Path(__file__).resolve().parents[2]


def run(folder: Path, *args: str, script: str | None = None) -> subprocess.CompletedProcess[str]:
    start = ["-m", "recipes", "predict"] if script is None else ["-c", script]
    paths = {"PYTHONPATH": str(ROOT), "HF_DATASETS_CACHE": str(folder / "cache"), "HF_HUB_OFFLINE": "1"}
    return subprocess.run(
        [sys.executable, *start, *args],
        cwd=folder,
        env=os.environ | paths | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_two_processes_write_what_one_does(command: Command, trained_run: Path, tmp_path: Path) -> None:
    Path("texts.txt").write_text("\n".join(TEXTS * 3) + "\n")
    args = [f"--ckpt_path={trained_run}", "--input=texts.txt", "--chunk_texts=4"]
    assert not command("predict", *args, "--output=one.csv")
    two = ("--output=two.csv", "--trainer.accelerator=cpu", "--trainer.devices=2", "--trainer.strategy=ddp")
    done = run(tmp_path, *args, *two)
    assert done.returncode == 0, done.stderr
    assert Path("two.csv").read_bytes() == Path("one.csv").read_bytes()
    assert {path.name for path in Path().iterdir()} == {"texts.txt", "one.csv", "two.csv"}


MEASURE = """
import resource, sys
from recipes.predict.cli import predict

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

args = ["--ckpt_path", sys.argv[1], "--output", "out.csv", "--chunk_texts", "200", "--input"]
predict([*args, "small.csv"])
small = peak()
predict([*args, "large.csv"])
print(f"{peak() - small:.1f}")
"""


def test_predict_at_a_bounded_memory(trained_run: Path, tmp_path: Path) -> None:
    text = " ".join(f"word{n}" for n in range(700))
    for name, megabytes in (("small", 6), ("large", 27)):
        with (tmp_path / f"{name}.csv").open("w") as file:
            file.write("text\n")
            file.writelines(f"{n} {text}\n" for n in range(megabytes * 10**6 // len(text)))
    done = run(tmp_path, str(trained_run), script=MEASURE)
    assert done.returncode == 0, done.stderr
    # Its texts alone take 21 MB more, their table as many again. The small file is longer than what is read at a time.
    assert float(done.stdout.split()[-1]) < 10
