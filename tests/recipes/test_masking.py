import pytest

from recipes.data.masking import MASK, Masker

MASKER = Masker(["torch", "nn", "functional", "_reductions", "hf_api", "graph", "linalg"])


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("torch is fast", "_name_ is fast"),
        ("PyTorch, NumPy and Hugging Face Hub", "_name_, _name_ and _name_"),
        ("a LightningModule in libtorch_cuda", "a _name_ Module in lib _name_ _cuda"),
        ("torch.nn.functional.relu(x)", "_name_.relu(x)"),
        ("np.zeros(3), F.relu, the letter F", "_name_.zeros(3), _name_.relu, the letter F"),
        ("import scipy.special as spec; spec.gamma", "import scipy.special as _name_; _name_.gamma"),
        ("the json module, OS paths, this word", "the _name_ module, _name_ paths, this word"),
        ("see hf_api; a graph of functional form", "see _name_; a graph of functional form"),
        ("numpy.linalg._reductions.norm", "_name_.norm"),
        ("numpy, \n    pandas\nand more", "_name_, _name_ and more"),
        ("torch torch", "_name_"),
        ("Return an array. Parameters: x", "Return an _name_. Parameters: x"),
        ("", ""),
    ],
)
def test_mentions_are_hidden(text: str, masked: str) -> None:
    assert MASKER(text) == masked
    assert MASKER.mentions(masked) == []


def test_mentions_finds_what_is_not_hidden() -> None:
    assert MASKER.mentions("SymPy and np, json and hf_api") == ["SymPy", "np", "json", "hf_api"]


def test_an_alias_is_hidden_only_in_the_text_that_introduces_it() -> None:
    assert MASKER("import scipy as wonder; wonder.f") == f"import scipy as {MASK}; {MASK}.f"
    assert MASKER("a wonder") == "a wonder"
