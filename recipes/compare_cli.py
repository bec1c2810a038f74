"""`python -m recipes compare`: parse, train, print the table and save it."""

from dataclasses import fields
from pathlib import Path

from rich.console import Console
from rich.progress import track

from recipes.baselines import Score, bag_of_words, majority
from recipes.compare import Candidate, Comparison, Network, fitting, train_all
from recipes.data.module import TextData
from recipes.gate import OneLineParser, bad_input, bad_run
from recipes.model import TextClassifier
from recipes.network import join_encoder
from recipes.poolers import choose
from recipes.quiet import quiet_warnings
from recipes.report import environment, remarks, save, show


def compare(args: list[str]) -> None:
    """Run the command."""
    quiet_warnings()
    console = Console()
    with bad_input():
        plan, network, data, candidates = _read(args, console)
        data.encoded("test")
        _try_vectors(candidates[0], network, data, console)
        baselines = [majority(data.corpus), bag_of_words(data.corpus, plan.seed)]
        # The table is written when hours may have passed.
        Path(plan.save_dir).mkdir(parents=True, exist_ok=True)
    results = train_all(candidates, network, data, plan)
    number = len(candidates)
    with bad_run():
        trained = list(track(results, description=f"Training {number} poolers", total=number, console=console))
        _report(console, baselines, trained, data, plan, candidates)


def _read(args: list[str], console: Console) -> tuple[Comparison, Network, TextData, list[Candidate]]:
    """The plan, the network, the data and the poolers that fit it; a named one that does not is an error."""
    parser = _parser()
    ready = parser.instantiate(parser.parse_args(args))
    plan = Comparison(**{field.name: ready[field.name] for field in fields(Comparison)})
    network = ready.model.as_dict()
    names = choose(plan.poolers)
    candidates, reasons = fitting(names, network)
    for name, reason in reasons.items():
        if plan.poolers != "all" or len(reasons) == len(names):
            raise ValueError(f"{name} cannot be compared: {reason}")
        console.print(f"left out, {name}: {reason}", soft_wrap=True, highlight=False, markup=False)
    return plan, network, ready.data, candidates


def _try_vectors(candidate: Candidate, network: Network, data: TextData, console: Console) -> None:
    """Let a file of word vectors that cannot be used say so before anything is trained."""
    model = TextClassifier(candidate.pooler, num_words=data.num_words, num_classes=data.num_classes, **network)
    coverage = model.read_vectors(data.tokenizer.get_vocab())
    if coverage is not None:
        console.print(f"word vectors: {coverage}", soft_wrap=True, highlight=False, markup=False)


def _parser() -> OneLineParser:
    parser = OneLineParser(
        prog="python -m recipes compare",
        description="Train poolers on the same data, seed and budget, and print a table with two baselines.",
    )
    parser.add_argument("-c", "--config", action="config", help="Path to a configuration file in YAML.")
    parser.add_class_arguments(Comparison)
    parser.add_class_arguments(TextData, "data")
    parser.add_class_arguments(TextClassifier, "model", skip={"pooler", "num_words", "num_classes"}, instantiate=False)
    parser.link_arguments("seed", "data.seed")
    join_encoder(parser)
    return parser


def _report(
    console: Console,
    baselines: list[Score],
    trained: list[Score],
    data: TextData,
    plan: Comparison,
    candidates: list[Candidate],
) -> None:
    facts = data.corpus.describe() | environment(min(plan.jobs, len(trained)))
    facts["poolers"] = ", ".join(candidate.written for candidate in candidates)
    notes = [f"{key}: {value}" for key, value in facts.items()]
    notes += remarks(data.corpus, baselines, trained, epochs=plan.epochs, seed=plan.seed)
    show(console, baselines, trained, notes)
    context = facts | {"seed": plan.seed, "epochs": plan.epochs}
    path = save(Path(plan.save_dir), [*baselines, *trained], context)
    console.print(f"saved: {path}", soft_wrap=True, highlight=False, markup=False)
