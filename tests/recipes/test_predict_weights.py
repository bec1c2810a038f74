"""Attention where the pooler attends, saliency elsewhere; colours that show a text as it is."""

import sys
from functools import partial
from pathlib import Path

import pytest
import torch
from rich.text import Text

from recipes.encoders import GRU, LSTM, Convolution, EncoderFactory, NoEncoder, Pretrained
from recipes.model import TextClassifier
from recipes.poolers import named
from recipes.predict.colour import as_html, coloured
from recipes.predict.weights import way, weigh_tokens
from tests import small_transformers
from tests.recipes.conftest import Command
from tests.recipes.predictions import give

LENGTHS = [3, 0, 5, 1]


def classifier(pooler: str, encoder: EncoderFactory, **arguments: int) -> TextClassifier:
    factory = named(pooler, **arguments)
    return TextClassifier(factory, num_words=14, num_classes=3, encoder=encoder, embedding_dim=6).eval()


def batch(lengths: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
    texts = [torch.randint(2, 14, (length,)) for length in lengths]
    return torch.nn.utils.rnn.pad_sequence(texts, batch_first=True), torch.tensor(lengths)


ENCODERS: dict[str, EncoderFactory] = {
    "none": NoEncoder,
    "convolution": partial(Convolution, hidden_size=4),
    "lstm": partial(LSTM, hidden_size=4),
    "gru": partial(GRU, hidden_size=4, bidirectional=False),
}


@pytest.mark.parametrize("lengths", [LENGTHS, [1, 40, 2, 0], [0, 0]], ids=["even", "uneven", "empty"])
@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize(
    ("pooler", "arguments"),
    [("AdditiveAttentionPooler", {"hidden_features": 4}), ("StructuredAttentionPooler", {"hops": 2})],
)
def test_attention_is_what_the_pooler_gives_one_text(
    pooler: str, arguments: dict[str, int], encoder: str, lengths: list[int]
) -> None:
    model = classifier(pooler, ENCODERS[encoder], **arguments)
    ids, real = batch(lengths)
    with torch.no_grad():
        scores, weights = weigh_tokens(model, ids, real)
        torch.testing.assert_close(scores, model(ids, real))
        assert weights.shape == ids.shape
        for row, length in enumerate(lengths):
            assert (weights[row, length:] == 0).all()
            if length:
                alone = weigh_tokens(model, ids[row : row + 1, :length], real[row : row + 1])[1]
                torch.testing.assert_close(weights[row, :length], alone[0])
                # A mean over heads, each of which gives its one away.
                torch.testing.assert_close(alone.sum(), torch.tensor(1.0))
    assert way(model) == f"attention of {pooler}"


def test_attention_is_the_softmax_of_the_poolers_own_scores() -> None:
    model = classifier("AdditiveAttentionPooler", NoEncoder, hidden_features=4)
    ids, real = batch([5])
    pooler = model.get_submodule("encoder.pooler")
    _, expected = pooler(model.embedding(ids), lengths=[5], return_weights=True)
    torch.testing.assert_close(weigh_tokens(model, ids, real)[1], expected.mean(2))
    assert not pooler._forward_hooks
    assert not pooler._forward_pre_hooks


def test_saliency_of_a_mean_is_each_tokens_share_of_the_score() -> None:
    """Without an encoder the score is linear in the embeddings, so that the saliency is known in closed form."""
    model = classifier("MaskedMeanPooler", NoEncoder)
    ids, real = batch(LENGTHS)
    scores, weights = weigh_tokens(model, ids, real)
    torch.testing.assert_close(scores, model(ids, real).detach())
    for row, length in enumerate(LENGTHS):
        best = model.head.weight[scores[row].argmax()]
        share = (model.embedding(ids[row, :length]) @ best).abs() / max(1, length)
        torch.testing.assert_close(weights[row, :length], share.detach())
        assert (weights[row, length:] == 0).all()
    assert way(model) == "gradient saliency through MaskedMeanPooler"


@pytest.mark.parametrize("pooler", ["BiConcatPooler", "MaskedMaxPooler", "ConcatPooler"])
def test_saliency_through_a_network_is_the_derivative_at_the_token(pooler: str) -> None:
    """The slope of the score as one token's embedding shrinks, by differences in float64."""
    parts = {"poolers": [named("LastPooler"), named("AttentionPooler")]} if pooler == "ConcatPooler" else {}
    factory = named(pooler, **parts)
    model = TextClassifier(factory, num_words=14, num_classes=3, encoder=ENCODERS["lstm"], embedding_dim=6)
    model = model.eval().double().requires_grad_(False)
    ids, real = batch([4, 0, 6])
    scores, weights = weigh_tokens(model, ids, real)
    embedded, step = model.embedding(ids), 1e-6
    for row, place in ((0, 0), (0, 3), (2, 2)):
        less, more = embedded.clone(), embedded.clone()
        less[row, place] *= 1 - step
        more[row, place] *= 1 + step
        ends = [model.head(model.encoder(one, real))[row, scores[row].argmax()] for one in (less, more)]
        slope = (ends[1] - ends[0]) / (2 * step)
        torch.testing.assert_close(weights[row, place], slope.abs(), rtol=1e-5, atol=1e-9)


def test_saliency_reaches_the_embeddings_of_a_pretrained_model(tmp_path: Path) -> None:
    small_transformers.bert().save_pretrained(tmp_path)  # type: ignore[operator]  # a model of transformers
    model = classifier("MaskedMeanPooler", partial(Pretrained, path=str(tmp_path), freeze=True))
    ids, real = batch([3, 5])
    scores, weights = weigh_tokens(model, ids, real)
    torch.testing.assert_close(scores, model(ids, real).detach())
    assert (weights[0, :3] > 0).all()
    assert (weights[0, 3:] == 0).all()


def test_colours_lie_on_the_tokens() -> None:
    shown = coloured("red [b]bird[/b]", [0, 4, 7, 0], [3, 7, 11, 0], [2.0, 0.05, 1.0, 9.0])
    assert shown.plain == "red [b]bird[/b]"
    colours = {shown.plain[span.start : span.end]: str(span.style) for span in shown.spans}
    # White to orange; what has next to no weight has no colour; a special token, no place.
    assert colours == {"red": "black on #ff8c00", "bird": "black on #ffc680"}
    assert coloured("", [], [], []).plain == ""
    assert coloured("red", [0], [3], [0.0]).spans == []


def test_markup_shows_as_text() -> None:
    page = as_html(coloured("<script>alert('a & b')</script> [red]", [1], [7], [1.0]))
    assert "<script" not in page
    assert "&lt;</span>" in page or "&lt;<span" in page
    assert "&amp;" in page
    assert "[red]" in page


def test_a_text_cannot_steer_the_terminal() -> None:
    shown = coloured("a\x1b[2Jb\x07\r\u202ec\td\ne", [0], [1], [1.0])
    assert shown.plain == "a\ufffd[2Jb\ufffd\ufffd\ufffdc\td\ne"
    assert "\x1b" not in as_html(shown)
    assert isinstance(shown, Text)


@pytest.mark.parametrize("page", ["explained.html", "page.html"])
def test_explain_shows_every_text_and_writes_the_page(
    command: Command,
    trained_run: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    page: str,
) -> None:
    give(monkeypatch, b"apple <b>plum</b>\n\nnile\n")
    how = "--explain" if page == "explained.html" else f"--explain={page}"
    assert not command("predict", f"--ckpt_path={trained_run}", "--output=out.csv", how, "--chunk_texts=2")
    shown = capsys.readouterr().out
    assert "apple <b>plum</b>\n" in shown
    text = Path(page).read_text()
    assert text.count("<pre>") == 3
    assert "attention of AdditiveAttentionPooler" in text
    assert "background-color: #ff8c00" in text
    assert "&lt;" in text
    assert "<b>" not in text
    assert text.endswith("</html>\n")
    assert Path("out.csv").read_text().count("\n") == 4
    assert {path.name for path in Path().iterdir()} == {page, "out.csv"}
    assert sys.stdin.closed


def test_explain_alone_writes_no_table(
    command: Command, trained_run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    give(monkeypatch, b"apple\n")
    assert not command("predict", f"--ckpt_path={trained_run}", "--explain")
    assert "probability_" not in capsys.readouterr().out
    assert [path.name for path in Path().iterdir()] == ["explained.html"]
