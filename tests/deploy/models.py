"""Classifiers as people deploy them, batches to serve, and the packed run that answers them."""

import shutil
from collections.abc import Callable

import pytest
import torch
from onnxruntime import InferenceSession  # type: ignore[import-untyped]  # it has no types
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

import seqpool
from tests.encoders import KINDS, D, H

TOKENS, CLASSES = 30, 3
open_steps = pytest.mark.skipif(
    tuple(map(int, torch.__version__.split(".")[:2])) < (2, 13),
    reason="older ONNX exporters hold T, as torch.export does",
)
needs_compiler = pytest.mark.skipif(
    not (shutil.which("g++") or shutil.which("clang++")), reason="inductor needs a C++ compiler, and there is none"
)
Batch = tuple[Tensor, Tensor]

# What torch's exporters say about themselves.
quiet = [
    pytest.mark.filterwarnings(r"ignore:.isinstance\(treespec, LeafSpec\). is deprecated:FutureWarning"),
    pytest.mark.filterwarnings("ignore:_check_is_size will be removed:FutureWarning"),
    pytest.mark.filterwarnings("ignore:You are using the legacy TorchScript-based ONNX export:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The feature will be removed:DeprecationWarning"),
    pytest.mark.filterwarnings(r"ignore:.torch.jit.\w+. is deprecated"),
    pytest.mark.filterwarnings("ignore:# The axis name. .* will not be used:UserWarning"),
    # Tracing looks at every comparison of sizes; that none is burnt in is what other shapes show.
    pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning"),
    # The old exporter fears negative indices; there are none.
    pytest.mark.filterwarnings("ignore:Exporting aten..index operator of advanced indexing:UserWarning"),
    # torch 2.11 maps a saved program's weights.
    pytest.mark.filterwarnings("ignore:The given buffer is not writable:UserWarning"),
    # Dynamo looks at the gradients of what it is given.
    pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf:UserWarning"),
    pytest.mark.filterwarnings("ignore:Exporting a model to ONNX with a batch_size other than 1:UserWarning"),
    pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN:UserWarning"),
]


class RNNClassifier(nn.Module):
    """Embedding, bidirectional network, pooler, linear head."""

    def __init__(self, kind: str, layers: int, pooler: seqpool.Pooler | None = None) -> None:
        super().__init__()
        self.embed = nn.Embedding(TOKENS, D)
        rnn = KINDS[kind](D, H, num_layers=layers, bidirectional=True, batch_first=True)
        self.encoder = seqpool.RNNEncoder(rnn, pooler or seqpool.BiConcatPooler())
        self.head = nn.Linear(self.encoder.out_features, CLASSES)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        logits: Tensor = self.head(self.encoder(self.embed(tokens), lengths))
        return logits


class TransformerClassifier(nn.Module):
    """Embedding, transformer, pooler, linear head."""

    def __init__(self, pooler: seqpool.Pooler, width: int = 8) -> None:
        super().__init__()
        self.embed = nn.Embedding(TOKENS, width)
        layer = nn.TransformerEncoderLayer(width, 2, 2 * width, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.pooler = pooler
        self.head = nn.Linear(pooler.out_features(width), CLASSES)

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        steps = self.encoder(self.embed(tokens), src_key_padding_mask=~mask)
        logits: Tensor = self.head(self.pooler(steps, mask=mask))
        return logits


def batch(lengths: list[int], steps: int) -> Batch:
    """Random tokens, in padding too."""
    return torch.randint(TOKENS, (len(lengths), steps)), torch.tensor(lengths)


def packed_logits(model: nn.Module, tokens: Tensor, lengths: Tensor) -> Tensor:
    """The textbook's answer: pack, run, and put the last layer's final states side by side; 0 for an empty sequence."""
    embed, rnn, head = model.get_submodule("embed"), model.get_submodule("encoder.rnn"), model.get_submodule("head")
    some = lengths > 0
    packed = pack_padded_sequence(embed(tokens[some]), lengths[some], batch_first=True, enforce_sorted=False)
    _, states = rnn(packed)
    h_n = states[0] if isinstance(states, tuple) else states
    ends = torch.cat([h_n[-2], h_n[-1]], 1)
    pooled = ends.new_zeros(len(lengths), ends.shape[1])
    pooled[some] = ends
    logits: Tensor = head(pooled)
    return logits


def assert_serves(run: Callable[..., Tensor], model: nn.Module, *batches: Batch) -> None:
    """The deployed classifier answers each batch as the packed run does."""
    for tokens, lengths in batches:
        with torch.no_grad():
            torch.testing.assert_close(
                run(tokens, lengths), packed_logits(model, tokens, lengths), rtol=1e-5, atol=1e-6
            )


def session(model: bytes | str) -> Callable[..., Tensor]:
    """An ONNX model in ONNX Runtime, as a function of tensors."""
    running = InferenceSession(model, providers=["CPUExecutionProvider"])
    names = [node.name for node in running.get_inputs()]

    def run(*tensors: Tensor) -> Tensor:
        fed = dict(zip(names, (tensor.numpy() for tensor in tensors), strict=True))
        return torch.from_numpy(running.run(None, fed)[0])

    return run
