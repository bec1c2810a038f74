from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor

from recipes.encoders import GRU, LSTM, RNN, Convolution, EncoderFactory, NoEncoder, Transformer
from recipes.encoders.embedding import WordEmbedding
from recipes.model import TextClassifier
from recipes.poolers import named

ENCODERS: dict[str, EncoderFactory] = {
    "none": NoEncoder,
    "convolution": partial(Convolution, hidden_size=6, num_layers=2, kernel_size=5),
    "transformer": partial(Transformer, num_heads=2, feedforward=16),
    "rnn": partial(RNN, hidden_size=6),
    "gru": partial(GRU, hidden_size=6, num_layers=2, bidirectional=False),
    "projection": partial(LSTM, hidden_size=6, proj_size=4, num_layers=2),
}
LENGTHS = torch.tensor([6, 0, 3, 1])


def classifier(encoder: EncoderFactory, pooler: str = "MaskedMeanPooler", **arguments: Any) -> TextClassifier:
    torch.manual_seed(0)
    return TextClassifier(
        named(pooler, **arguments), num_words=20, num_classes=3, encoder=encoder, embedding_dim=8, dropout=0.0
    )


def texts(width: int) -> Tensor:
    """Four texts of `LENGTHS` tokens; the padding holds a word, which must not be seen."""
    torch.manual_seed(1)
    ids = torch.randint(8, 20, (4, 6))
    ids = torch.nn.functional.pad(ids, (0, width - 6), value=7)
    return torch.where(torch.arange(width) < LENGTHS.unsqueeze(1), ids, 7)


@pytest.mark.parametrize("encoder", ENCODERS.values(), ids=ENCODERS.keys())
@pytest.mark.parametrize("training", [True, False])
def test_company_and_padding_change_nothing(encoder: EncoderFactory, training: bool) -> None:
    model = classifier(encoder).eval()
    with torch.set_grad_enabled(training):
        together = model(texts(6), LENGTHS)
        torch.testing.assert_close(model(texts(11), LENGTHS), together)
        for row, length in enumerate(LENGTHS.tolist()):
            alone = model(texts(6)[row : row + 1, :length], LENGTHS[row : row + 1])
            torch.testing.assert_close(alone, together[row : row + 1])


@pytest.mark.parametrize("encoder", ENCODERS.values(), ids=ENCODERS.keys())
def test_gradients_are_finite_with_an_empty_text_and_zero_on_padding(encoder: EncoderFactory) -> None:
    model = classifier(encoder)
    torch.autograd.backward(model(texts(8), LENGTHS).square().sum())
    for name, weight in model.named_parameters():
        assert weight.grad is not None, name
        assert weight.grad.isfinite().all(), name
    # Word 7 stands in padding alone.
    assert isinstance(model.embedding, WordEmbedding)
    assert model.embedding.weight.grad is not None
    assert model.embedding.weight.grad[7].abs().sum() == 0


@pytest.mark.parametrize("encoder", ENCODERS.values(), ids=ENCODERS.keys())
def test_a_batch_of_empty_texts_is_the_bias(encoder: EncoderFactory) -> None:
    model = classifier(encoder)
    scores = model(torch.zeros(2, 0, dtype=torch.long), torch.zeros(2, dtype=torch.long))
    assert torch.equal(scores, model.head.bias.expand(2, 3))


def test_without_an_encoder_the_pooler_sees_the_embeddings() -> None:
    model = classifier(NoEncoder).eval()
    rows = model.embedding(texts(6)[:1])
    torch.testing.assert_close(model(texts(6)[:1], LENGTHS[:1]), model.head(rows.mean(1)))


def test_convolution_against_one_text_without_padding() -> None:
    model = classifier(partial(Convolution, hidden_size=6), "MaskedMaxPooler").eval()
    layer = model.get_submodule("encoder.steps.layers.0")
    assert isinstance(layer, torch.nn.Conv1d)
    rows = model.embedding(texts(6)[2:3, :3])
    wanted = torch.nn.functional.conv1d(rows.mT, layer.weight, layer.bias, padding=1).relu().amax(2)
    torch.testing.assert_close(model(texts(6), LENGTHS)[2:3], model.head(wanted))


def test_a_transformer_knows_positions() -> None:
    model = classifier(ENCODERS["transformer"]).eval()
    ids = texts(6)[:1]
    assert not torch.allclose(model(ids, LENGTHS[:1]), model(ids.flip(1), LENGTHS[:1]), atol=1e-4)


def test_sizes_reach_poolers_inside_poolers() -> None:
    parts = [named("AttentionPooler"), named("KMaxPooler", k=2), named("LayerConcatPooler")]
    model = classifier(partial(LSTM, hidden_size=4, num_layers=2), "ConcatPooler", poolers=parts)
    assert model.head.in_features == 8 + 2 * 8 + 2 * 8
    assert model(texts(6), LENGTHS).shape == (4, 3)


@pytest.mark.parametrize(
    ("encoder", "message"),
    [
        (partial(Convolution, kernel_size=4), "kernel_size must be odd, so that a step lies in its middle; 4 came"),
        (partial(Convolution, num_layers=0), "num_layers must be at least 1, 0 came"),
        (partial(Transformer, num_heads=3), "embedding_dim must be even and divisible by 3 heads, 8 came"),
        (partial(Transformer, num_layers=0), "num_layers must be at least 1, 0 came"),
        (partial(LSTM, hidden_size=4, proj_size=4), "proj_size has to be smaller than hidden_size"),
        (partial(GRU, num_layers=2, dropout=2.0), "dropout should be a number in range"),
    ],
)
def test_numbers_out_of_range(encoder: EncoderFactory, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        classifier(encoder)
