"""`python -m recipes predict`: parse, classify, write."""

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, final

import pyarrow as pa  # type: ignore[import-untyped]  # it has no types
from lightning import Trainer

from recipes.data.reading import STDIN, TextSource, open_texts
from recipes.gate import OneLineParser, bad_input, bad_run
from recipes.predict.colour import FOOT, as_html, explained, write_head
from recipes.predict.parts import Parts
from recipes.predict.predictor import SPANS, Predictor
from recipes.predict.tables import WRITERS, TableWriter, ending
from recipes.predict.terminal import Terminal, let_go
from recipes.predict.weights import way
from recipes.quiet import quiet_logs, quiet_warnings
from recipes.trained import load_trained
from recipes.training.processes import refuse_lone_trainers
from recipes.whole import whole_file

EXPLAINED = "explained.html"


@final
@dataclass(frozen=True, kw_only=True)
class Prediction:
    """What to predict with, and where to.

    Args:
        ckpt_path: Checkpoint that `fit` wrote.
        config: Configuration of its run; by default the `config.yaml` beside it or one folder above.
        output: File to write, by its ending CSV, JSON lines (.jsonl) or Parquet; CSV on standard output by default.
        batch_tokens: Tokens a batch, padding included.
        chunk_texts: Texts in memory at a time.

    Raises:
        ValueError: a number is too small, or the output cannot be written.
    """

    ckpt_path: str
    config: str | None = None
    output: str | None = None
    batch_tokens: int = 8_192
    chunk_texts: int = 1_000

    def __post_init__(self) -> None:
        for name in ("batch_tokens", "chunk_texts"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, {getattr(self, name)} came")
        if self.output is not None:
            ending(self.output)
            _check_folder(self.output)


@final
@dataclass(frozen=True, kw_only=True)
class Devices:
    """Where to compute, as Lightning's trainer takes it.

    Args:
        accelerator: `cpu`, `gpu`, or `auto`.
        devices: How many of a node's devices.
        num_nodes: How many nodes.
        strategy: `ddp` for several devices.
        precision: `bf16-mixed`, `16-mixed`, or full.
    """

    accelerator: str = "auto"
    devices: int | str = 1
    num_nodes: int = 1
    strategy: str = "auto"
    precision: str | None = None


def predict(args: list[str]) -> None:
    """Run the command."""
    quiet_warnings()
    quiet_logs()
    with bad_input():
        ready = _parser().parse_args(args)
        plan, source, devices = (_taken(kind, ready) for kind in (Prediction, TextSource, Devices))
        if ready.explain is not None:
            _check_folder(ready.explain)
        trained = load_trained(plan.ckpt_path, plan.config)
        parts = Parts(Path(plan.output).absolute().parent if plan.output is not None else None)
        trainer = _trainer(devices, parts, plan.output is not None and ready.explain is None)
        refuse_lone_trainers(trainer)
        if source.input == STDIN and trainer.world_size > 1:
            raise ValueError("standard input can be read by one process alone: give --input a file")
        texts = open_texts(source, trained=trained.data.columns)
        size = {"chunk_texts": plan.chunk_texts, "batch_tokens": plan.batch_tokens}
        predictor = Predictor(trained, texts, **size, explain=ready.explain is not None)
    with bad_run():
        try:
            trainer.predict(predictor, return_predictions=False)
            if trainer.is_global_zero:
                _write(parts, predictor.schema, plan.output, ready.explain, way(trained.model))
        except BrokenPipeError:
            let_go()
        finally:
            parts.remove()


def _parser() -> OneLineParser:
    parser = OneLineParser(
        prog="python -m recipes predict",
        description="Classify texts with a trained model; label and probabilities in the order of the texts.",
    )
    parser.add_class_arguments(Prediction, instantiate=False)
    parser.add_class_arguments(TextSource, instantiate=False)
    parser.add_class_arguments(Devices, "trainer", instantiate=False)
    parser.add_argument(
        "--explain",
        nargs="?",
        const=EXPLAINED,
        default=None,
        help=f"Show each token's weight as colour in the terminal and in this file of HTML ({EXPLAINED}).",
    )
    return parser


def _taken(kind: type, ready: Any) -> Any:
    """One of the three groups of options."""
    given = ready.trainer if kind is Devices else ready
    return kind(**{field.name: given[field.name] for field in fields(kind)})


def _trainer(devices: Devices, parts: Parts, progress: bool) -> Trainer:
    return Trainer(
        **asdict(devices),
        callbacks=[parts],
        logger=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        enable_progress_bar=progress,
        inference_mode=False,  # saliency needs gradients
        use_distributed_sampler=False,
    )


def _check_folder(path: str) -> None:
    folder = Path(path).absolute().parent
    if Path(path).is_dir() or not os.access(folder, os.W_OK):
        raise ValueError(f"{path!r} cannot be written: it is a folder, or lies in none that can be written to")


def _write(parts: Iterable[pa.RecordBatch], schema: pa.Schema, output: str | None, page: str | None, way: str) -> None:
    """Write the table, and where asked for the page; both are there whole or not at all."""
    columns = [name for name in schema.names if name not in SPANS]
    plain = pa.schema([schema.field(name) for name in columns])
    console = Terminal(highlight=False)
    with ExitStack() as stack:
        html = None
        if page is not None:
            html = stack.enter_context(stack.enter_context(whole_file(Path(page))).open("w", encoding="utf-8"))
            write_head(html, way)
        table = stack.enter_context(_table(plain, output)) if output is not None or html is None else None
        for batch in parts:
            if table is not None:
                table.write_batch(batch.select(columns))
            if html is not None:
                for text in map(explained, batch.to_pylist()):
                    console.print(text, soft_wrap=True)
                    html.write(as_html(text))
        if html is not None:
            html.write(FOOT)


@contextmanager
def _table(schema: pa.Schema, output: str | None) -> Iterator[TableWriter]:
    if output is None:
        writer = WRITERS[".csv"](sys.stdout.buffer, schema)
        yield writer
        writer.close()
        return
    with whole_file(Path(output)) as path, path.open("wb") as file:
        writer = WRITERS[ending(output)](file, schema)
        yield writer
        writer.close()
