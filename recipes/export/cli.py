"""`python -m recipes export`: parse, write, check, time."""

import json
import logging
import warnings
from dataclasses import dataclass, fields
from importlib import metadata
from pathlib import Path
from typing import Any, final

import torch
from rich.console import Console
from rich.table import Table

from recipes.data.columns import USUAL
from recipes.data.module import CHARACTERS
from recipes.data.reading import TextSource, open_texts
from recipes.data.survey import Sample
from recipes.export.checking import Request, difference, requests, timing
from recipes.export.formats import Format, least_steps
from recipes.export.onnx import Onnx
from recipes.export.programs import Compiled, Program
from recipes.export.scorer import Scorer
from recipes.export.weights import Safetensors
from recipes.gate import OneLineParser, RunError, bad_input, bad_run
from recipes.quiet import quiet_logs, quiet_warnings
from recipes.report import processor
from recipes.trained import Trained, load_trained
from recipes.training.runs import CONFIG
from recipes.whole import refuse_taken, whole_folder

FORMATS: dict[str, Format] = {"onnx": Onnx(), "program": Program(), "aoti": Compiled(), "safetensors": Safetensors()}


@final
@dataclass(frozen=True, kw_only=True)
class Export:
    """What to export, how, and where to.

    Args:
        ckpt_path: Checkpoint that `fit` wrote.
        config: Configuration of its run; by default the `config.yaml` beside it or one folder above.
        output: Folder to make.
        formats: `onnx`, `program` (torch.export), `aoti` (AOTInductor), `safetensors`, with commas between; or `all`.
        input: Texts to check with, as in `predict`; by default those that the classifier was to be tested on.
        split: Split of them; `test` by default, or the only one.
        column: Column of the texts.
        texts: So many of them, drawn at random.
        batch_tokens: Tokens a batch, padding included.

    Raises:
        ValueError: a number is too small, a format is unknown, or the output is there already.
    """

    ckpt_path: str
    config: str | None = None
    output: str = "exported"
    formats: str = "all"
    input: str | None = None
    split: str | None = None
    column: str | None = None
    texts: int = 1_000
    batch_tokens: int = 2_048

    def __post_init__(self) -> None:
        for name in ("texts", "batch_tokens"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, {getattr(self, name)} came")
        for name in self.names:
            if name not in FORMATS:
                raise ValueError(f"there is no format {name!r}, there are {', '.join(FORMATS)}: or say all")
        refuse_taken(Path(self.output))

    @property
    def names(self) -> list[str]:
        """The formats asked for, each once."""
        every = list(FORMATS) if self.formats == "all" else [name.strip() for name in self.formats.split(",")]
        return list(dict.fromkeys(every))


def export(args: list[str]) -> None:
    """Run the command."""
    quiet_warnings()
    quiet_logs()
    # It says which packages it could also export.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    console = Console(highlight=False)
    parser = OneLineParser(
        prog="python -m recipes export",
        description="Write a trained model in formats that run without the recipes, check each and time it.",
    )
    with bad_run():
        with bad_input():
            parser.add_class_arguments(Export, instantiate=False)
            ready = parser.parse_args(args)
            plan = Export(**{field.name: ready[field.name] for field in fields(Export)})
            trained = load_trained(plan.ckpt_path, plan.config)
            scorer = Scorer(trained.model, trained.max_tokens)
            formats = _possible(plan, scorer, console)
            batches = _requests(plan, trained)
        with whole_folder(Path(plan.output)) as folder:
            table = Table("format", "file", "MB", "difference", "ms", "ratio")
            report = [_one(name, form, scorer, folder, batches, table) for name, form in formats.items()]
            _write_beside(folder, trained, report)
    console.print(table)
    texts = sum(len(lengths) for _, lengths in batches)
    notes = [
        f"difference: the greatest of any score, on {texts:,} texts in {len(batches):,} batches; "
        "ms: of a batch, the median; ratio: to the model's own",
        f"{processor()}, {torch.get_num_threads()} threads, torch {torch.__version__}",
        f"written: {plan.output}",
    ]
    for note in notes:
        console.print(note, soft_wrap=True, markup=False)


def _possible(plan: Export, scorer: Scorer, console: Console) -> dict[str, Format]:
    """The formats to write; one asked for by name that cannot be is an error."""
    chosen = {name: FORMATS[name] for name in plan.names}
    for name, form in list(chosen.items()):
        reason = form.refusal(scorer)
        if reason is not None:
            if plan.formats != "all":
                raise ValueError(f"{name} cannot be written: {reason}")
            console.print(f"left out, {name}: {reason}", soft_wrap=True, markup=False)
            del chosen[name]
    return chosen


def _requests(plan: Export, trained: Trained) -> list[Request]:
    """Batches of texts to check with, an empty one among them."""
    data = trained.data
    if plan.input is not None:
        source = TextSource(input=plan.input, split=plan.split, column=plan.column)
    else:
        tested = None if data.columns.test == USUAL.test else data.columns.test
        source = TextSource(
            input=data.path,
            name=data.name,
            revision=data.revision,
            split=plan.split or tested,
            column=plan.column,
        )
    sample = Sample(plan.texts, CHARACTERS * trained.max_tokens, seed=0)
    for text in open_texts(source, trained=data.columns):
        sample.add(text)
    every = [*sample.texts, ""]
    return requests(trained.tokenizer, every, max_tokens=trained.max_tokens, budget=plan.batch_tokens)


def _one(name: str, form: Format, scorer: Scorer, folder: Path, batches: list[Request], table: Table) -> dict[str, Any]:
    """Write, check and time one format."""
    path, steps = folder / form.file, least_steps(form, scorer)
    with warnings.catch_warnings():
        # What exporters say about themselves and about code that is not the user's.
        warnings.simplefilter("ignore")
        try:
            form.write(scorer, path)
            run = form.load(scorer, path)
        except OSError:
            raise
        except Exception as error:  # an exporter raises whatever the step raises that fails in it
            said = " ".join(str(error).split())[:300]
            raise RunError(
                f"{name} cannot be written: {type(error).__name__}: {said}; leave it out of --formats"
            ) from error
        apart = difference(scorer, run, steps, batches, name)
        taken = timing(scorer, run, steps, batches)
    size = path.stat().st_size / 1e6
    table.add_row(name, form.file, f"{size:.2f}", f"{apart:.1e}", f"{taken.milliseconds:.2f}", f"{taken.ratio:.2f}")
    return {
        "format": name,
        "file": form.file,
        "steps": form.steps(scorer),
        "difference": apart,
        "milliseconds": taken.milliseconds,
        "ratio": taken.ratio,
    }


def _write_beside(folder: Path, trained: Trained, report: list[dict[str, Any]]) -> None:
    """What whoever deploys the files needs to know: classes, vocabulary, how a text is cut, what was checked."""
    (folder / "labels.json").write_text(json.dumps(trained.labels, ensure_ascii=False, indent=1) + "\n", "utf-8")
    (folder / "tokenizer.json").write_text(trained.tokenizer.to_str(pretty=True), "utf-8")
    (folder / CONFIG).write_bytes(trained.config.read_bytes())
    versions = {name: metadata.version(name) for name in ("torch", "tokenizers")}
    facts = {"max_tokens": trained.max_tokens, "versions": versions, "files": report}
    (folder / "export.json").write_text(json.dumps(facts, indent=1) + "\n", "utf-8")
