from functools import partial
from typing import Any

import pytest
import torch
from lightning import Callback, Trainer, seed_everything

from recipes.data.batches import bucket
from recipes.data.module import TextData
from recipes.encoders import GRU, LSTM, RNN, Transformer
from recipes.model import TextClassifier
from recipes.poolers import named
from recipes.quiet import quiet_warnings
from recipes.training.loss import of_all_processes, summed_loss

BILSTM = partial(LSTM, hidden_size=8)
SMALL: dict[str, Any] = {"num_words": 20, "num_classes": 3, "embedding_dim": 8, "encoder": BILSTM}


def trainer(epochs: int, *callbacks: Callback) -> Trainer:
    quiet_warnings()
    return Trainer(
        accelerator="cpu",
        max_epochs=epochs,
        callbacks=list(callbacks),
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )


@pytest.mark.parametrize("kind", [LSTM, GRU, RNN])
@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize("num_layers", [1, 2])
def test_scores_do_not_depend_on_company_or_padding(
    kind: type[LSTM | GRU | RNN], bidirectional: bool, num_layers: int
) -> None:
    encoder = partial(kind, hidden_size=8, bidirectional=bidirectional, num_layers=num_layers)
    model = TextClassifier(named("MaskedMeanPooler"), **SMALL | {"encoder": encoder}).eval()
    ids = torch.randint(1, 20, (3, 6))
    lengths = torch.tensor([6, 0, 3])
    together = model(ids, lengths)
    for row, length in enumerate(lengths.tolist()):
        torch.testing.assert_close(model(ids[row : row + 1, :length], lengths[row : row + 1]), together[row : row + 1])


def test_empty_texts_train_and_predict() -> None:
    model = TextClassifier(named("BiConcatPooler"), **SMALL)
    ids, lengths, labels = torch.zeros(2, 0, dtype=torch.long), torch.zeros(2, dtype=torch.long), torch.tensor([0, 2])
    scores = model(ids, lengths)
    torch.autograd.backward(torch.nn.functional.cross_entropy(scores, labels))
    assert torch.equal(scores, model.head.bias.expand(2, 3))
    assert model.head.bias.grad is not None
    assert model.head.bias.grad.isfinite().all()


@pytest.mark.parametrize("texts", [300, 301, 4097])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32, torch.float64])
def test_loss_and_number_of_texts_are_summed_in_single_precision(dtype: torch.dtype, texts: int) -> None:
    scores, labels = torch.randn(texts, 3).to(dtype), torch.arange(texts) % 3
    summed, count = of_all_processes(trainer(1), *summed_loss(scores, labels))
    assert count.item() == texts
    wanted = torch.nn.functional.cross_entropy(scores.double(), labels, reduction="sum")
    torch.testing.assert_close(summed.double(), wanted, rtol=1e-5, atol=0)


def test_a_small_corpus_is_learned(corpus_folder: str) -> None:
    seed_everything(0, verbose=False)
    data = TextData(corpus_folder, batch_tokens=16)
    model = TextClassifier(named("BiConcatPooler"), **SMALL | {"num_words": data.num_words}, dropout=0.0)
    trained = trainer(8)
    trained.fit(model, data)
    (measured,) = trained.test(model, data, verbose=False)
    # Of 18 texts one is empty.
    assert measured["test_accuracy"] >= 17 / 18 - 1e-6
    assert measured["test_macro_f1"] > 0.9


def test_each_epoch_has_its_own_batches(corpus_folder: str) -> None:
    class Seen(Callback):
        """The lengths of the batches of each epoch."""

        def __init__(self) -> None:
            self.epochs: list[list[int]] = []

        def on_train_epoch_start(self, *_: object) -> None:
            self.epochs.append([])

        def on_train_batch_start(self, trainer: Trainer, pl_module: object, batch: Any, batch_idx: int) -> None:
            self.epochs[-1].append(int(batch[1].sum()))

    data, seen = TextData(corpus_folder, batch_tokens=16, seed=5), Seen()
    trainer(2, seen).fit(TextClassifier(named("MaskedMeanPooler"), **SMALL | {"num_words": data.num_words}), data)
    lengths = data.encoded("train").lengths
    wanted = [bucket(lengths, budget=16, seed=5, epoch=epoch) for epoch in (0, 1)]
    assert seen.epochs == [[sum(lengths[index] for index in batch) for batch in order] for order in wanted]


@pytest.mark.parametrize(
    ("pooler", "arguments", "message"),
    [
        ("CellStatePooler", {"encoder": GRU}, "CellStatePooler needs c_n"),
        ("LastHiddenPooler", {}, "needs a unidirectional RNN"),
        ("BiConcatPooler", {"encoder": partial(GRU, bidirectional=False)}, "needs a bidirectional RNN"),
        ("BiConcatPooler", {"encoder": Transformer}, "needs a bidirectional RNN"),
        ("LayerConcatPooler", {"encoder": Transformer}, "LayerConcatPooler needs h_n"),
        ("CellStatePooler", {"encoder": partial(LSTM, hidden_size=8, proj_size=3)}, "CellStatePooler.cell_features=16"),
        ("WeightedSumPooler", {}, "WeightedSumPooler needs weights beside the steps, which no recipe has"),
        ("QueryAttentionPooler", {}, "QueryAttentionPooler needs query beside the steps, which no recipe has"),
        ("BiConcatPooler", {"encoder": partial(LSTM, hidden_size=0)}, "hidden_size must be greater than zero"),
        ("BiConcatPooler", {"embedding_dim": 0}, "embedding_dim must be at least 1, 0 came"),
    ],
)
def test_what_does_not_fit_is_said_at_once(pooler: str, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TextClassifier(named(pooler), **SMALL | arguments)
