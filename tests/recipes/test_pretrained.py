"""A pretrained transformer, from a folder that this test writes."""

import json
import shutil
import sys
from functools import partial
from pathlib import Path

import pytest
import torch

from recipes.data.module import TextData
from recipes.encoders import Pretrained
from recipes.model import TextClassifier
from recipes.poolers import named
from recipes.pretrained import load_tokenizer
from tests.recipes.conftest import WORDS, Command

transformers = pytest.importorskip("transformers")


@pytest.fixture(scope="module", params=["bert", "roberta"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A tiny model with random weights, and its tokenizer."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    path = tmp_path_factory.mktemp(request.param)
    # Two families that number their positions and pad differently.
    special = {"bert": ["[PAD]", "[CLS]", "[SEP]", "[UNK]"], "roberta": ["[CLS]", "[PAD]", "[SEP]", "[UNK]"]}
    words = [*special[request.param], *(word for group in WORDS.values() for word in group)]
    vocabulary = {word: row for row, word in enumerate(words)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[(name, vocabulary[name]) for name in ("[CLS]", "[SEP]")]
    )
    names = {"pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]", "unk_token": "[UNK]"}
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=12, **names)
    fast.save_pretrained(path)
    sizes = {"hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16}
    sizes |= {"vocab_size": len(words), "max_position_embeddings": 14, "pad_token_id": vocabulary["[PAD]"]}
    kind = {"bert": transformers.BertConfig, "roberta": transformers.RobertaConfig}[request.param]
    torch.manual_seed(0)
    transformers.AutoModel.from_config(kind(**sizes)).save_pretrained(path)
    return str(path)


def classifier(folder: str, *, layers: int = 1, freeze: bool = False) -> TextClassifier:
    encoder = partial(Pretrained, path=folder, layers=layers, freeze=freeze)
    return TextClassifier(named("MaskedMeanPooler"), num_words=13, num_classes=3, encoder=encoder)


def test_it_is_what_the_library_itself_computes(folder: str) -> None:
    text, empty = "apple pear iron zinc", ""
    tokenizer, fast = load_tokenizer(folder, max_tokens=12), transformers.AutoTokenizer.from_pretrained(folder)
    ids = [tokenizer.encode(one).ids for one in (text, empty)]
    assert ids == [fast(text)["input_ids"], fast(empty)["input_ids"]]
    model = classifier(folder).eval()
    padded = torch.nn.utils.rnn.pad_sequence([torch.tensor(one) for one in ids], batch_first=True)
    scores = model(padded, torch.tensor([len(one) for one in ids]))
    reference = transformers.AutoModel.from_pretrained(folder).eval()
    for row, one in enumerate((text, empty)):
        mean = reference(**fast(one, return_tensors="pt")).last_hidden_state.mean(1)
        torch.testing.assert_close(scores[row : row + 1], model.head(mean))


def test_its_last_layers_lie_side_by_side(folder: str) -> None:
    model = classifier(folder, layers=3)
    assert model.head.in_features == 24
    weighted = TextClassifier(
        named("WeightedLayersPooler", pooler=named("AttentionPooler")),
        num_words=13,
        num_classes=3,
        encoder=partial(Pretrained, path=folder, layers=3),
    )
    assert weighted.head.in_features == 8
    with pytest.raises(ValueError, match="layers must be 1 to 3, the embeddings counted; 4 came"):
        classifier(folder, layers=4)


def test_empty_and_frozen(folder: str) -> None:
    model = classifier(folder, freeze=True)
    loss = model(torch.tensor([[1, 5, 2], [0, 0, 0]]), torch.tensor([3, 0])).square().sum()
    torch.autograd.backward(loss)
    assert {name for name, weight in model.named_parameters() if weight.requires_grad} == {"head.weight", "head.bias"}
    assert not any(module.training for name, module in model.named_modules() if name.startswith("encoder.steps."))
    free = classifier(folder)
    torch.autograd.backward(free(torch.tensor([[1, 5, 2], [0, 0, 0]]), torch.tensor([3, 0])).square().sum())
    assert all(weight.grad is not None and weight.grad.isfinite().all() for weight in free.parameters())


def test_long_texts_are_cut_inside_the_special_tokens(folder: str, corpus_folder: str) -> None:
    data = TextData(corpus_folder, tokenizer_path=folder, max_tokens=4)
    first, last = (data.tokenizer.token_to_id(name) for name in ("[CLS]", "[SEP]"))
    encoded = data.encoded("train")
    assert max(encoded.lengths) == 4
    assert all((ids[0].item(), ids[-1].item()) == (first, last) for ids in encoded.ids)
    # No text is longer than the tokenizer says.
    assert len(load_tokenizer(folder, max_tokens=500).encode("apple " * 20).ids) == 12


def test_no_text_is_longer_than_the_model_has_positions(folder: str, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    settings = json.loads((tmp_path / "tokenizer_config.json").read_text())
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings | {"model_max_length": 10**30}))
    longest = load_tokenizer(str(tmp_path), max_tokens=500).encode("apple " * 20).ids
    # Of 14 rows, RoBERTa keeps those up to padding's, which is the second.
    assert len(longest) == {"bert": 14, "roberta": 12}[transformers.AutoConfig.from_pretrained(folder).model_type]
    assert classifier(folder)(torch.tensor([longest]), torch.tensor([len(longest)])).isfinite().all()
    with pytest.raises((IndexError, RuntimeError), match=r"index|expanded size"):
        classifier(folder)(torch.tensor([[*longest, longest[-1]]]), torch.tensor([len(longest) + 1]))


@pytest.mark.parametrize(
    ("kind", "sizes"), [("GPT2Config", {"n_positions": 9}), ("T5Config", {}), ("LlamaConfig", {"head_dim": 2})]
)
def test_other_limits(folder: str, tmp_path: Path, kind: str, sizes: dict[str, int]) -> None:
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    transformers.AutoTokenizer.from_pretrained(folder, model_max_length=10**30).save_pretrained(tmp_path)
    getattr(transformers, kind)(**sizes).save_pretrained(tmp_path)
    longest = len(load_tokenizer(str(tmp_path), max_tokens=30).encode("apple " * 40).ids)
    assert longest == sizes.get("n_positions", 30)


def test_fit_test_and_export_from_the_command_line(
    command: Command, corpus_folder: str, folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["--model.encoder=Pretrained", f"--model.encoder.path={folder}", "--model.pooler=AttentionPooler"]
    asked += ["--trainer.max_epochs=1", "--trainer.enable_progress_bar=false", f"--data.path={corpus_folder}"]
    asked.append("--data.max_tokens=12")
    assert not command("fit", *asked)
    run = Path("runs/classifier/version_0")
    assert "[CLS]" in torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["TextData"]["tokenizer"]
    capsys.readouterr()
    assert not command("test", f"--config={run}/config.yaml", f"--ckpt_path={run}/checkpoints/last.ckpt")
    assert "test_accuracy" in capsys.readouterr().out
    assert not command("export", f"--ckpt_path={run}/checkpoints/last.ckpt", "--formats=program,safetensors")
    report = json.loads(Path("exported/export.json").read_text())["files"]
    assert [one["format"] for one in report] == ["program", "safetensors"]
    assert all(one["difference"] < 1e-5 for one in report)
    Path("glove.txt").write_text("apple 1 2\n")
    assert command("fit", *asked, "--model.vectors=glove.txt") == 2
    assert "a pretrained encoder embeds its tokens itself: leave model.vectors out" in capsys.readouterr().err


@pytest.mark.parametrize("missing", [True, False])
def test_what_is_not_there_is_one_line(
    command: Command,
    corpus_folder: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    missing: bool,
) -> None:
    if missing:
        monkeypatch.setitem(sys.modules, "transformers", None)
    asked = ["--model.encoder=Pretrained", f"--model.encoder.path={tmp_path}/none", f"--data.path={corpus_folder}"]
    assert command("fit", *asked) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error")]
    assert ("needs the package transformers, which is not installed" if missing else "cannot be loaded: ") in line
