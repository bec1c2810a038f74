"""The picture in README is what the command prints."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_the_picture_is_what_explain_prints() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    picture = readme.split("<!-- picture:begin -->")[1].split("<!-- picture:end -->")[0]
    command = next(line for line in readme.splitlines() if line.startswith("`python -m seqpool explain")).split("`")[1]
    printed = subprocess.run(
        [sys.executable, "-X", "utf8", *command.split()[1:]],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        check=True,
    ).stdout
    expected = {" ".join(line.split()) for line in printed.splitlines()}
    shown = [" ".join(line.split()) for line in picture.strip().splitlines()[1:-1]]
    assert len(shown) > 30
    assert [line for line in shown if line != "..." and line not in expected] == []
