"""Several processes predict what one does; memory does not grow with the input."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.recipes.conftest import Command
from tests.recipes.peaks import FORGET
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


@pytest.mark.parametrize(
    "how",
    [*(pytest.param(how, marks=pytest.mark.full) for how in ([], ["--explain"])), ["--explain", "--output=out.csv"]],
)
def test_whoever_reads_may_stop(command: Command, trained_run: Path, tmp_path: Path, how: list[str]) -> None:
    """As `| head` does: the process ends well, without a word, and the files are whole."""
    Path("texts.txt").write_text("apple plum iron\n" * 5_000)
    line = f"{sys.executable} -W error -m recipes predict --ckpt_path={trained_run} --input=texts.txt {' '.join(how)}"
    paths = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        ["bash", "-c", f"{line} | head -n 2; exit ${{PIPESTATUS[0]}}"],
        env=os.environ | paths,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("\n") == 2
    files = {path.name for path in Path().iterdir()}
    assert files == {"texts.txt"} | ({"explained.html"} if how else set()) | ({"out.csv"} if len(how) > 1 else set())
    if how:
        assert Path("explained.html").read_text().count("<pre>") == 5_000


MEASURE = """
import sys
from recipes.predict.cli import predict
from tests.recipes.peaks import peak_of

def peak(name):
    line = ["--ckpt_path", sys.argv[1], "--output", "out.csv", "--chunk_texts", "200", "--input", name]
    return peak_of(lambda: predict(line))

peak("small.csv")
small = peak("small.csv")
print(f"{peak('large.csv') - small:.1f}")
"""


@pytest.mark.skipif(not FORGET.exists(), reason="the peak is read as Linux keeps it")
def test_predict_at_a_bounded_memory(trained_run: Path, tmp_path: Path) -> None:
    # Even the small file holds several times the 1,000 texts that are read at a time.
    text = " ".join(f"word{n}" for n in range(100))
    for name, megabytes in (("small", 2), ("large", 16)):
        with (tmp_path / f"{name}.csv").open("w") as file:
            file.write("text\n")
            file.writelines(f"{n} {text}\n" for n in range(megabytes * 10**6 // len(text)))
    done = run(tmp_path, str(trained_run), script=MEASURE)
    assert done.returncode == 0, done.stderr
    # Its texts alone take 14 MB more, their table as many again.
    assert float(done.stdout.split()[-1]) < 8
