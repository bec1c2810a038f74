"""What is generated from the poolers' files is fresh, and one new file plus one command is all that a pooler takes."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import seqpool.poolers
from tests import catalogue
from tests.cards import families

COPIED = ["seqpool", "tests/__init__.py", "tests/catalogue.py", "tests/cards.py", "README.md", "pyproject.toml"]
GENERATED = ["README.md", "seqpool/README.md", "seqpool/__init__.py", "seqpool/poolers/__init__.py"]
POOLER = '''"""The spread of each feature."""

from typing import final

from torch import Tensor

from seqpool.layout import Sequences
from seqpool.ops import peak
from seqpool.poolers.base import Pooler, settle


@final
class RangePooler(Pooler):
    r"""Take the distance between the largest and the smallest value of each feature.

    .. math:: y_d = \\{\\max_t x_{t,d}\\} - |\\min_t x_{t,d}|

    Source: a test, "Of Ranges" (https://example.org/ranges).

    Args:
        scale: a factor.

    Shape:
        n steps of D features -> D features; one a feature.

    Example:
        >>> RangePooler()
        RangePooler()
    """

    def __init__(self, *, scale: float | None = None) -> None:
        super().__init__()
        self.scale = scale

    def one(self, x: Tensor) -> Tensor:
        return x.amax(0) - x.amin(0)

    def pool(self, seq: Sequences) -> Tensor:
        return settle(seq, peak(seq, seq.values) - peak(seq, seq.values, largest=False))
'''


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of what the command reads and writes."""
    for name in COPIED:
        source, target = catalogue.ROOT / name, tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    return tmp_path


def run(tree: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, *arguments], cwd=tree, capture_output=True, text=True, check=False)


def texts(tree: Path) -> dict[str, str]:
    return {name: (tree / name).read_text("utf-8") for name in GENERATED}


def test_generated_blocks_are_fresh() -> None:
    stale = [str(path.relative_to(catalogue.ROOT)) for path in catalogue.stale()]
    assert stale == [], f"run {catalogue.COMMAND}"


def test_every_pooler_is_catalogued_with_all_that_it_says() -> None:
    cards = [card for family in families(catalogue.ROOT / "seqpool" / "poolers") for card in family.cards]
    assert sorted(card.name for card in cards) == sorted(seqpool.poolers.__all__)
    for card in cards:
        assert all((card.sentence, card.formula, card.source, card.width)), card
        assert card.sentence.endswith("."), card
        assert "https://" in card.source or card.source == "this library", card


def test_a_new_pooler_is_one_file_and_one_command(tree: Path) -> None:
    before = texts(tree)
    new = tree / "seqpool" / "poolers" / "spread.py"
    new.write_text(POOLER, "utf-8")

    asked = run(tree, "-m", "tests.catalogue", "--check")
    assert asked.returncode == 1
    assert asked.stdout.splitlines()[-1] == "run python -m tests.catalogue"
    assert {line.removeprefix("stale: ") for line in asked.stdout.splitlines()[:-1]} == set(GENERATED)
    assert texts(tree) == before

    assert run(tree, "-m", "tests.catalogue").returncode == 0
    assert run(tree, "-m", "tests.catalogue", "--check").returncode == 0
    after = texts(tree)
    assert "| [spread](seqpool/poolers/spread.py) | `RangePooler` | The spread of each feature. |" in after["README.md"]
    (row,) = [line for line in after["seqpool/README.md"].splitlines() if "RangePooler" in line]
    assert row == (
        "| [`RangePooler`](poolers/spread.py) "
        "| Take the distance between the largest and the smallest value of each feature. "
        r"| $y_d = \lbrace \max_t x_{t,d}\rbrace  - \vert \min_t x_{t,d}\vert$ "
        '| [a test, "Of Ranges"](https://example.org/ranges) | `*, scale=None` | D features |'
    )
    program = "import seqpool, torch; print(seqpool.RangePooler()(torch.tensor([[[1.0], [4.0], [9.0]]]), lengths=[2]))"
    assert run(tree, "-c", program).stdout.strip() == "tensor([[3.]])"

    new.unlink()  # the exports now name a file that is gone, and the command must run all the same
    assert run(tree, "-m", "tests.catalogue").returncode == 0
    assert texts(tree) == before


def test_generated_python_is_as_ruff_wants_it(tree: Path) -> None:
    (tree / "seqpool" / "poolers" / "spread.py").write_text(POOLER, "utf-8")
    assert catalogue.main([], tree) == 0
    for arguments in (["check"], ["format", "--check"]):
        ruff = run(tree, "-m", "ruff", *arguments, "seqpool/__init__.py", "seqpool/poolers/__init__.py")
        assert ruff.returncode == 0, ruff.stdout + ruff.stderr


def test_a_pooler_that_says_too_little_is_named(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = POOLER.replace("    Source: a test", "    Said by: a test")
    (tree / "seqpool" / "poolers" / "spread.py").write_text(text, "utf-8")
    before = texts(tree)
    with pytest.raises(SystemExit) as caught:
        catalogue.main([], tree)
    assert caught.value.code == 2
    assert "the docstring of RangePooler needs Source:" in capsys.readouterr().err
    assert texts(tree) == before


@pytest.mark.parametrize("name", ["README.md", "seqpool/README.md"])
def test_a_readme_without_markers_is_named(name: str, tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tree / name).write_text("# seqpool\n", "utf-8")
    with pytest.raises(SystemExit) as caught:
        catalogue.main(["--check"], tree)
    assert caught.value.code == 2
    assert "needs one line <!-- poolers:begin -->" in capsys.readouterr().err


def test_an_abstract_pooler_and_a_helper_are_no_poolers(tmp_path: Path) -> None:
    source = "@final\nclass Helper(nn.Module): pass\nclass Open(Pooler): pass\nclass Wide(Open): pass\n"
    (tmp_path / "open.py").write_text(source, "utf-8")
    assert families(tmp_path) == []
    (tmp_path / "more.py").write_text(POOLER.replace("(Pooler)", "(Wide)"), "utf-8")
    assert [card.name for family in families(tmp_path) for card in family.cards] == ["RangePooler"]
