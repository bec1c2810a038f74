"""The pictures of `python -m seqpool explain` against its facts, and bad input."""

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

import seqpool
from seqpool.__main__ import main
from seqpool.explain import terminal
from seqpool.explain.facts import Facts, experiment
from seqpool.explain.setup import Setup
from seqpool.explain.svg import draw
from seqpool.explain.text import picture

DOCUMENT = ["explain", "--rnn", "gru", "--layers", "2", "--bidirectional", "--lengths", "7,5,4,3"]
SMALL = ["--hidden", "8", "--embedding", "4"]


@pytest.fixture(scope="module")
def document() -> Facts:
    return experiment(Setup(kind="gru", layers=2, bidirectional=True, lengths=(7, 5, 4, 3)))


def plain(facts: Facts) -> list[str]:
    return ["".join(span.text for span in line).rstrip() for line in picture(facts)]


def test_the_picture_shows_the_cells(document: Facts) -> None:
    lines = plain(document)
    assert lines[0] == "nn.GRU(128, 256, num_layers=2, bidirectional=True)"
    start = lines.index("Where the rows of h_n lie in output")
    assert lines[start + 1 : start + 6] == [
        "step          0       1       2       3       4       5       6",
        "sequence 0    ·· h3   ·· ··   ·· ··   ·· ··   ·· ··   ·· ··   h2 ··",
        "sequence 1    ·· h3   ·· ··   ·· ··   ·· ··   h2 ··   ░░ ░░   ░░ ░░",
        "sequence 2    ·· h3   ·· ··   ·· ··   h2 ··   ░░ ░░   ░░ ░░   ░░ ░░",
        "sequence 3    ·· h3   ·· ··   h2 ··   ░░ ░░   ░░ ░░   ░░ ░░   ░░ ░░",
    ]
    assert "h_n[1]   layer 0 backward  in no cell of output" in lines
    assert "h_n[2]   layer 1 forward   = output[length[b] - 1, b, :256]" in lines
    assert "h_n[3]   layer 1 backward  = output[0, b, 256:]" in lines
    assert ["BiConcatPooler()", "··██", "····", "██··", "░░░░", "h_n[2:4]"] in [
        line.replace("·· ", "··").replace("██ ", "██").replace("░░ ", "░░").split() for line in lines
    ]
    assert all(len(line) <= 104 for line in lines)


def test_a_long_batch_is_cut_to_what_matters() -> None:
    facts = experiment(Setup(kind="gru", lengths=(90, *range(2, 22)), batch_first=True, hidden=8, embedding=4))
    assert len(facts.steps) <= 12
    assert {0, 1, 2, 89} <= set(facts.steps)
    assert max(map(len, plain(facts))) < 140
    assert "… and 9 more" in plain(facts)
    assert len(facts.rows[0].cells) == 21


def test_json_is_the_facts(document: Facts, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*DOCUMENT, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads(json.dumps(document.to_dict()))
    assert printed["network"] == "nn.GRU(128, 256, num_layers=2, bidirectional=True)"
    assert [cell["step"] for cell in printed["rows"][2]["cells"]] == [6, 4, 3, 2]


def test_svg_shows_the_same_cells(document: Facts, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "picture.svg"
    assert main([*DOCUMENT, "--svg", str(path)]) == 0
    assert "BiConcatPooler()" in capsys.readouterr().out
    assert path.read_text(encoding="utf-8") == draw(document)
    assert list(tmp_path.iterdir()) == [path]
    root = ElementTree.fromstring(draw(document))
    texts = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert (texts.count("h2"), texts.count("h3")) == (4, 4)
    assert "prefers-color-scheme: dark" in draw(document)
    kinds = [box.get("class") for box in root.iter("{http://www.w3.org/2000/svg}rect")]
    read = [half for reader in document.readers for _, half in reader.cells[3]]
    # Each half: where its state lies, the row's own mark, and the poolers' cells.
    assert kinds.count("forward") == 4 + 1 + read.count(0)
    assert kinds.count("backward") == 4 + 1 + read.count(1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["explain", "--rnn", "transformer"], "invalid choice: 'transformer'"),
        (["explain", "--lengths", "7,five"], "whole numbers between commas are needed, '7,five' came"),
        (["explain", "--lengths", "2.5"], "whole numbers between commas are needed, '2.5' came"),
        (["explain", "--lengths", ""], "whole numbers between commas are needed, '' came"),
        (["explain", "--lengths", "3,0"], "lengths must be 1 to 256 numbers between 1 and 4096, 3, 0 came"),
        (["explain", "--lengths=-1"], "between 1 and 4096, -1 came"),
        (["explain", "--proj-size", "4"], "proj_size is the LSTM's alone, 4 came with gru"),
        (["explain", "--rnn", "lstm", "--proj-size", "256"], "below hidden=256, 256 came"),
        (["explain", "--rnn", "lstm", "--proj-size=-1"], "below hidden=256, -1 came"),
        (["explain", "--layers", "0"], "layers must be between 1 and 16, 0 came"),
        (["explain", "--hidden", "99999"], "hidden must be between 1 and 4096, 99999 came"),
        (["explain", "--embedding", "x"], "invalid int value: 'x'"),
        (["explain", "--seed=-1"], "seed must be"),
        (["explain", "--bidirection"], "unrecognized arguments: --bidirection"),
        (
            ["explain", *SMALL, "--svg", "no/such/folder/picture.svg"],
            "that can be written, no/such/folder/picture.svg came: No such file",
        ),
        (["explain", *SMALL, "--svg", "."], "must name a file, the folder . came"),
        (["expose"], "invalid choice: 'expose'"),
        ([], "the following arguments are required: explain"),
    ],
)
def test_bad_input_is_one_line_and_status_2(
    arguments: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    try:
        status: object = main(arguments)
    except SystemExit as exit_:
        status = exit_.code
    out, error = capsys.readouterr()
    assert status == 2
    assert out == ""
    assert error.count("\n") == 1
    assert message in error
    assert list(tmp_path.iterdir()) == []


def test_torch_alone_prints_the_same_text(
    document: Facts, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal, "Console", None)
    terminal.show(picture(document))
    assert capsys.readouterr().out.splitlines() == plain(document)


def test_rich_colours_a_terminal_and_changes_no_text(
    document: Facts, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("rich")
    terminal.show(picture(document))
    assert capsys.readouterr().out.splitlines() == plain(document)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("NO_COLOR", raising=False)
    terminal.show(picture(document))
    assert "\x1b[1;36mh2" in capsys.readouterr().out


def test_the_command_needs_neither_rich_nor_a_unicode_terminal() -> None:
    code = "import sys; sys.modules['rich'] = None; from seqpool.__main__ import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-X", "utf8=0", "-c", code, *DOCUMENT, *SMALL]
    environment = {"PYTHONIOENCODING": "ascii", "PYTHONPATH": str(Path(seqpool.__file__).parents[1])}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert "BiConcatPooler()" in done.stdout
