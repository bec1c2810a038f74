"""What is generated from the poolers' files is fresh, and one new file plus one command is all that a pooler takes."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import catalogue
from tests.cards import FAMILIES, read

TOOLS = ["tests/__init__.py", "tests/catalogue.py", "tests/cards.py", "tests/tables.py"]
COPIED = ["seqpool", *TOOLS, "README.md", "pyproject.toml"]
GENERATED = ["README.md", "seqpool/README.md", "seqpool/__init__.py", "seqpool/poolers/__init__.py"]
POOLER = '''"""Statistics: the spread of each feature."""

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

    order = False
    also = ("peak to peak", "np.ptp")
    exempt = {"half": "a difference of halves"}

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
    (row,) = [line for line in after["README.md"].splitlines() if "RangePooler" in line]
    assert row.startswith("| [Statistics](seqpool/README.md#statistics) |")
    (row, *known) = [line for line in after["seqpool/README.md"].splitlines() if "RangePooler" in line]
    assert row == (
        "| [`RangePooler`](poolers/spread.py)<br> `*, scale=None` "
        "| Take the distance between the largest and the smallest value of each feature."
        r"<br> $`y_d = \{\max_t x_{t,d}\} - \vert \min_t x_{t,d}\vert`$."
        '<br> Source: a test, ["Of Ranges"](https://example.org/ranges).'
        "<br> Known as peak to peak, np.ptp."
        "<br> Exempt from *half*: a difference of halves. | D | no | not 0 |"
    )
    assert known == [f"| {name} | [`RangePooler`](poolers/spread.py) |" for name in ("np.ptp", "peak to peak")]
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


@pytest.mark.parametrize(
    ("file", "old", "new", "due"),
    [
        ("poolers/ends.py", 'also = ("CLS", ', 'also = ("BOS", ', {"seqpool/README.md"}),
        ("poolers/reductions.py", "piecewise = True", "piecewise = False", {"seqpool/README.md"}),
        ("poolers/net_vlad.py", '"""Codebook:', '"""Reductions:', {"README.md", "seqpool/README.md"}),
        ("poolers/frequency.py", "    Also: ", "    Also: word weights, ", {"seqpool/README.md"}),
        ("README.md", "## Codebook", "## Codebooks", {"seqpool/README.md"}),
        ("../README.md", "`GeMPooler`, ", "", {"README.md"}),
        ("__init__.py", "    GeMPooler,\n", "", {"seqpool/__init__.py"}),
        ("poolers/__init__.py", '    "GeMPooler",\n', "", {"seqpool/poolers/__init__.py"}),
    ],
)
def test_what_is_stale_is_named(file: str, old: str, new: str, due: set[str], tree: Path) -> None:
    path = tree / "seqpool" / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    assert {str(found.relative_to(tree)) for found in catalogue.stale(tree)} == due


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("    Source: a test", "    Said by: a test", "the docstring of RangePooler needs Source:"),
        ("Statistics: the", "The", f"spread.py must open with its family, one of {', '.join(FAMILIES)}"),
        ("Statistics: the", "Numbers: the", "'Numbers: the spread of each feature.' came"),
        (
            "    order = False",
            "    order = bool(0)",
            "`order` of RangePooler must be written out: order = bool(0) came",
        ),
    ],
)
def test_a_pooler_that_says_too_little_is_named(
    old: str, new: str, message: str, tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tree / "seqpool" / "poolers" / "spread.py").write_text(POOLER.replace(old, new, 1), "utf-8")
    before = texts(tree)
    with pytest.raises(SystemExit) as caught:
        catalogue.main([], tree)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err
    assert texts(tree) == before


@pytest.mark.parametrize("name", ["README.md", "seqpool/README.md"])
def test_a_readme_without_markers_is_named(name: str, tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tree / name).write_text("# seqpool\n", "utf-8")
    with pytest.raises(SystemExit) as caught:
        catalogue.main(["--check"], tree)
    assert caught.value.code == 2
    assert "needs one line <!-- poolers:begin -->" in capsys.readouterr().err


def test_an_abstract_pooler_and_a_helper_are_no_poolers(tmp_path: Path) -> None:
    source = "@final\nclass Helper(nn.Module): pass\nclass Open(Pooler): order = True\nclass Wide(Open): pass\n"
    base = "class Pooler:\n    order = piecewise = False\n    also: Names = ()\n    needs = ()\n    exempt = {}\n"
    (tmp_path / "open.py").write_text(base + source, "utf-8")
    assert read(tmp_path) == []
    (tmp_path / "more.py").write_text(POOLER.replace("(Pooler)", "(Wide)").replace("    order = False\n", ""), "utf-8")
    (card,) = [card for file in read(tmp_path) for card in file.poolers]
    assert card.name == "RangePooler"
    assert card.traits is not None
    assert card.traits.order  # as the class that it derives from says
    assert card.traits.needs == ()
