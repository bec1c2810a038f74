"""What does not deploy says so in one sentence, and names what does; each limit is torch's, and still there."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from unittest.mock import patch

import pytest
import torch

import seqpool
from tests.deploy.models import RNNClassifier, batch, open_steps, quiet, session
from tests.encoders import D, build

pytestmark = quiet
SEEN, STEPS = [3, 2, 1], 3
DYNAMIC, AUTO = torch.export.Dim.DYNAMIC, torch.export.Dim.AUTO
OPEN = ({0: DYNAMIC, 1: DYNAMIC}, {0: DYNAMIC})


def ungated() -> AbstractContextManager[object]:
    """Let torch try what the gate refuses."""
    return patch("seqpool.rnn.check_graph")


@pytest.mark.parametrize("mark", [DYNAMIC, AUTO], ids=["DYNAMIC", "AUTO"])
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("kind", ["rnn", "lstm", "gru"])
def test_export_with_open_steps(mark: object, batch_first: bool, kind: str) -> None:
    encoder = seqpool.RNNEncoder(build(kind, 1, True, batch_first), seqpool.BiConcatPooler())
    needed = f"an exported {encoder.rnn.mode} needs one number of steps T, a dynamic T came"
    with pytest.raises(ValueError, match=rf"{needed}: make T static and pad to it.*onnx.export\(dynamo=False\)"):
        torch.export.export(encoder, (torch.randn(3, 4, D),), dynamic_shapes={"x": {0: mark, 1: mark}})


def test_onnx_of_a_plain_rnn_with_open_steps() -> None:
    """The exporter's own error holds the sentence."""
    model = RNNClassifier("rnn", 1).eval()
    sentence = r"an exported RNN_TANH needs one number of steps T.*onnx.export\(dynamo=False\)"
    with pytest.raises(torch.onnx.OnnxExporterError, match=sentence):
        torch.onnx.export(model, batch(SEEN, STEPS), dynamo=True, dynamic_shapes=OPEN, verbose=False)


@pytest.mark.parametrize("kind", ["rnn", "rnn_relu", "lstm", "gru", "lstm_proj"])
def test_torch_still_holds_the_steps(kind: str) -> None:
    model = RNNClassifier(kind, 1).eval()
    with ungated(), pytest.raises(torch._dynamo.exc.UserError, match="Constraints violated"):
        torch.export.export(model, batch(SEEN, STEPS), dynamic_shapes=OPEN)


def test_an_exported_program_refuses_other_steps() -> None:
    """In torch's words: the guard names the input, its axis, and the size that it needs."""
    model = RNNClassifier("gru", 1).eval()
    program = torch.export.export(model, batch(SEEN, STEPS))
    with pytest.raises(AssertionError, match=r"tokens.*\[1\] == 3"):
        program.module()(*batch([4, 1, 0], 4))


@pytest.mark.full
@open_steps
def test_torch_still_remembers_the_decomposition_it_used_first() -> None:
    """Why README asks for a process that has exported no network yet; the error is torch's."""
    model = RNNClassifier("gru", 1).eval()
    rows = {0: DYNAMIC}
    torch.export.export(model, batch(SEEN, STEPS), dynamic_shapes=(rows, rows))
    with pytest.raises(torch.onnx.OnnxExporterError, match="static shape of 3"):
        torch.onnx.export(model, batch(SEEN, STEPS), dynamo=True, dynamic_shapes=OPEN, verbose=False)


@pytest.mark.parametrize("dynamo", [False, True])
def test_onnx_of_a_projected_lstm(dynamo: bool, tmp_path: Path) -> None:
    model = RNNClassifier("lstm_proj", 1).eval()
    sentence = r"LSTM without projection, proj_size=3 came: deploy it with torch.export or AOTInductor"
    with pytest.raises((ValueError, torch.onnx.OnnxExporterError), match=sentence):
        torch.onnx.export(model, batch(SEEN, STEPS), tmp_path / "model.onnx", dynamo=dynamo, verbose=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.full
def test_torch_still_writes_no_projected_lstm_that_runs() -> None:
    model = RNNClassifier("lstm_proj", 1).eval()
    with ungated():
        program = torch.onnx.export(model, batch(SEEN, STEPS), dynamo=True, verbose=False)
    assert program is not None
    with pytest.raises(Exception, match="initial_c must have shape"):
        session(program.model_proto.SerializeToString())(*batch(SEEN, STEPS))


def test_compiling_without_leave_names_the_setting() -> None:
    """Dynamo itself refuses a recurrent module, and says what to set."""
    model = RNNClassifier("gru", 1).eval()
    with pytest.raises(torch._dynamo.exc.Unsupported, match=r"Set torch\._dynamo\.config\.allow_rnn=True"):
        torch.compile(model, fullgraph=True, backend="eager")(*batch(SEEN, STEPS))


@pytest.mark.parametrize("form", ["export", "onnx", "trace"])
def test_hooks_do_not_deploy(form: str, tmp_path: Path) -> None:
    model = RNNClassifier("gru", 1).eval()
    model.encoder.rnn.register_forward_hook(lambda *_: None)
    deploy: dict[str, Callable[[], object]] = {
        "export": lambda: torch.export.export(model, batch(SEEN, STEPS)),
        "onnx": lambda: torch.onnx.export(model, batch(SEEN, STEPS), tmp_path / "model.onnx", dynamo=False),
        "trace": lambda: torch.jit.trace(model, batch(SEEN, STEPS)),  # type: ignore[no-untyped-call]  # untyped
    }
    with pytest.raises(ValueError, match=r"forward hooks.*outside graphs.*remove them"):
        deploy[form]()


def test_a_packed_input_does_not_deploy() -> None:
    encoder = seqpool.RNNEncoder(build("gru", 1), seqpool.BiConcatPooler())
    packed = torch.nn.utils.rnn.pack_padded_sequence(torch.randn(2, 3, D), torch.tensor([3, 1]), batch_first=True)
    with pytest.raises(TypeError, match=r"x must be a padded Tensor \(B, T, 4\), a PackedSequence came"):
        torch.export.export(encoder, (packed,))
