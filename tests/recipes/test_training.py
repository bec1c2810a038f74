"""What the trainer is asked for on the command line, and does."""

import csv
from pathlib import Path

import pytest
import torch
import yaml  # type: ignore[import-untyped]  # it has no types
from tensorboard.backend.event_processing.event_accumulator import (  # type: ignore[import-untyped]  # it has no types
    EventAccumulator,
)

from seqpool import poolers
from tests.recipes.conftest import Command

QUIET = ["--model.embedding_dim=8", "--trainer.enable_progress_bar=false", "--trainer.enable_model_summary=false"]
RUN = Path("runs/classifier/version_0")

ENCODERS = {
    "none": ["--model.encoder=NoEncoder", "--model.pooler=MaskedMeanPooler"],
    "rnn": ["--model.encoder=RNN", "--model.encoder.hidden_size=8"],
    "gru": ["--model.encoder=GRU", "--model.encoder.num_layers=2", "--model.encoder.dropout=0.1"],
    "lstm": ["--model.encoder=LSTM", "--model.encoder.hidden_size=8", "--model.encoder.proj_size=4"],
    "convolution": ["--model.encoder=Convolution", "--model.pooler=MaskedMaxPooler"],
    "transformer": ["--model.encoder=Transformer", "--model.pooler=AttentionPooler"],
}


def fit(command: Command, folder: str, *args: str, epochs: int = 1) -> int:
    return command("fit", f"--data.path={folder}", f"--trainer.max_epochs={epochs}", *QUIET, *args)


def weights(name: str = "last") -> dict[str, torch.Tensor]:
    saved: dict[str, torch.Tensor] = torch.load(RUN / "checkpoints" / f"{name}.ckpt", weights_only=True)["state_dict"]
    return saved


@pytest.mark.parametrize("encoder", ENCODERS.values(), ids=ENCODERS.keys())
@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_every_encoder_trains_and_is_tested(
    command: Command, corpus_folder: str, encoder: list[str], precision: str
) -> None:
    assert not fit(command, corpus_folder, *encoder, f"--trainer.precision={precision}")
    for name, weight in weights().items():
        assert weight.isfinite().all(), name
        if weight.is_floating_point() and "metrics" not in name:
            assert weight.dtype == torch.float32
    assert not command("test", f"--config={RUN}/config.yaml", f"--ckpt_path={RUN}/checkpoints/last.ckpt")


@pytest.mark.parametrize("form", ["options", "yaml"])
def test_a_pooler_of_poolers(command: Command, corpus_folder: str, form: str) -> None:
    asked = ["--model.pooler=ConcatPooler", "--model.pooler.poolers+=LastPooler"]
    asked += ["--model.pooler.poolers+=KMaxPooler", "--model.pooler.poolers.k=3"]
    parts = "[LastPooler, {class_path: KMaxPooler, init_args: {k: 3}}]"
    if form == "yaml":
        Path("mine.yaml").write_text(
            f"model: {{pooler: {{class_path: ConcatPooler, init_args: {{poolers: {parts}}}}}}}"
        )
        asked = ["--config=mine.yaml"]
    assert not fit(command, corpus_folder, *asked, "--model.encoder.hidden_size=8")
    assert weights()["head.weight"].shape == (3, 16 + 3 * 16)
    kept = yaml.safe_load((RUN / "config.yaml").read_text())["model"]["pooler"]["init_args"]["poolers"]
    assert kept == [{"class_path": "seqpool.LastPooler"}, {"class_path": "seqpool.KMaxPooler", "init_args": {"k": 3}}]


def test_a_pooler_of_layers(command: Command, corpus_folder: str) -> None:
    inner = ("--model.pooler.pooler=KMaxPooler", "--model.pooler.pooler.k=2")
    assert not fit(
        command, corpus_folder, "--model.pooler=WeightedLayersPooler", *inner, "--model.encoder.hidden_size=8"
    )
    assert weights()["head.weight"].shape == (3, 2 * 16)


NEEDED = {
    "ConcatPooler": ["poolers=[LastPooler]"],
    "DCTPooler": ["k=2"],
    "DecayMeanPooler": ["half_life=3"],
    "HierarchicalPooler": ["window=2"],
    "KMaxPooler": ["k=2"],
    "LastHiddenPooler": ["direction=backward"],
    "PyramidPooler": ["bins=[1,2]"],
    "QuantilePooler": ["q=0.5"],
    "TokenPooler": ["index=-1"],
    "TopKMeanPooler": ["k=2"],
    "WeightedLayersPooler": ["pooler=LastPooler"],
}
UNMET = {"QueryAttentionPooler", "WeightedMeanPooler", "WeightedStatisticsPooler", "WeightedSumPooler"}


# The others are instances of their defaults, and `compare --poolers all` takes each.
PLAIN = [name for name in poolers.__all__ if name not in NEEDED and name not in UNMET]
LAUNCHED = [*sorted({*NEEDED, *UNMET}), *(pytest.param(name, marks=pytest.mark.full) for name in PLAIN)]


@pytest.mark.parametrize("name", LAUNCHED)
def test_every_pooler_is_launched_by_name_or_refused_in_one_line(
    command: Command, corpus_folder: str, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    arguments = [f"--model.pooler.{argument}" for argument in NEEDED.get(name, [])]
    small = ["--model.encoder.hidden_size=4", "--trainer.max_steps=1", "--trainer.logger=false"]
    small.append("--trainer.limit_val_batches=1")
    status = fit(command, corpus_folder, f"--model.pooler={name}", *arguments, *small)
    assert status == (2 if name in UNMET else 0)
    if status:
        (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error")]
        assert line.startswith(f"error: {name} needs ")


def test_gradients_are_clipped(command: Command, corpus_folder: str) -> None:
    # One batch an epoch and steps of 1, so the second epoch moves the weights by one clipped gradient.
    plain = ["--model.optimizer=SGD", "--model.optimizer.lr=1", "--data.batch_tokens=100000"]
    plain += ["--trainer.gradient_clip_val=1e-2", "--checkpoint.monitor=val_loss", "--checkpoint.mode=min"]
    assert not fit(command, corpus_folder, *plain)
    one = weights()
    assert not fit(command, corpus_folder, *plain, epochs=2)
    two = torch.load("runs/classifier/version_1/checkpoints/last.ckpt", weights_only=True)["state_dict"]
    moved = torch.cat([(one[name] - two[name]).flatten() for name in one if "metrics" not in name]).norm()
    assert moved.item() == pytest.approx(1e-2, rel=1e-3)


def test_training_stops_early(command: Command, corpus_folder: str) -> None:
    # Nothing is learned, so nothing gets better.
    still = ["--model.optimizer=SGD", "--model.optimizer.lr=0", "--early_stopping.patience=2"]
    assert not fit(command, corpus_folder, *still, epochs=9)
    rows = list(csv.DictReader((RUN / "metrics.csv").read_text().splitlines()))
    assert [row["epoch"] for row in rows if row["val_accuracy"]] == ["0", "1", "2"]


def test_curves_go_to_tensorboard(command: Command, corpus_folder: str) -> None:
    assert not fit(command, corpus_folder, epochs=2)
    events = EventAccumulator(str(RUN))
    events.Reload()
    rows = list(csv.DictReader((RUN / "metrics.csv").read_text().splitlines()))
    wanted = [float(row["val_accuracy"]) for row in rows if row["val_accuracy"]]
    assert [event.value for event in events.Scalars("val_accuracy")] == pytest.approx(wanted)
