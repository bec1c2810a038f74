"""ONNX, run by ONNX Runtime."""

from pathlib import Path
from typing import final

import onnxruntime  # type: ignore[import-untyped]  # it has no types
import torch
from torch import Tensor

from recipes.export.formats import Format, Run
from recipes.export.scorer import Scorer
from seqpool import RNNEncoder


@final
class Onnx(Format):
    """A graph for any number of texts and steps."""

    file = "model.onnx"

    def refusal(self, scorer: Scorer) -> str | None:
        if isinstance(scorer.encoder, RNNEncoder) and scorer.encoder.rnn.proj_size:
            return "ONNX has no LSTM with projection (proj_size): program, aoti and safetensors work"
        return None

    def write(self, scorer: Scorer, path: Path) -> None:
        example, inputs, outputs = scorer.example(), ["ids", "lengths"], ["scores"]
        if scorer.recurrent:
            # The older exporter alone leaves the steps of every recurrent network open.
            axes = {"ids": {0: "rows", 1: "steps"}, "lengths": {0: "rows"}, "scores": {0: "rows"}}
            torch.onnx.export(
                scorer, example, path, dynamo=False, dynamic_axes=axes, input_names=inputs, output_names=outputs
            )
            return
        rows, steps = torch.export.Dim.DYNAMIC, torch.export.Dim.DYNAMIC
        torch.onnx.export(
            scorer,
            example,
            path,
            dynamo=True,
            dynamic_shapes=({0: rows, 1: steps}, {0: rows}),
            input_names=inputs,
            output_names=outputs,
            external_data=False,  # a second file would have to be carried along
            verbose=False,
        )

    def load(self, scorer: Scorer, path: Path) -> Run:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

        def run(ids: Tensor, lengths: Tensor) -> Tensor:
            (scores,) = session.run(None, {"ids": ids.numpy(), "lengths": lengths.numpy()})
            return torch.from_numpy(scores)

        return run
