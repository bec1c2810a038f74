"""Hide the names that would give a docstring's package away."""

import re
import sys
from collections.abc import Iterable
from typing import final

MASK = "_name_"
"""The word that stands for a masked name."""

ALIASES = frozenset({"np", "npt", "pd", "nx", "nn", "pl", "tm", "th", "hf", "plt", "mpl", "sp", "sm", "sym", "ma"})
"""What the packages are called after `import ... as`."""

_BRAND = re.compile(
    r"(?:py)?torch(?:[ _-]?metrics)?|sympy|pandas|numpy|networkx|[ic]?python"
    r"|hugging[ _-]?face(?:[ _-]?hub)?|lightning|datasets",
    re.IGNORECASE,
)
_IMPORTED_AS = re.compile(r"\bimport\s+[\w.]+\s+as\s+(\w+)")
_WORD = re.compile(r"\w+")
# One letter is an alias only in front of a dot: F.relu, L.Trainer.
_LETTER = re.compile(r"\b[FLPS](?=\.\w)")
_GLUED = re.compile(rf"(?<=\w)(?={MASK})|(?<={MASK})(?=\w)")
_PATH = re.compile(rf"{MASK}(?:\.\w+)+")
_RUN = re.compile(rf"{MASK}(?:[ .]{MASK})+")


@final
class Masker:
    """Replace every mention of package and module names and of import aliases by `MASK`.

    Package names are hidden wherever their letters stand (`PyTorch`, `LightningModule`). Hidden as whole words, in any
    case: the standard library's modules, import aliases (the usual ones, and any that the text itself introduces), and
    module names of several words (`hf_api`). A module name of one word is as a rule also English or mathematics
    (`graph`, `function`), so it is hidden only in a path after a hidden name: `torch.nn.functional.relu` becomes
    `_name_.relu`.

    Args:
        module_names: names of the packages' modules and folders.

    Example:
        >>> Masker({"hf_api", "functional"})("See torch.nn.functional.relu, hf_api and PyTorch: np.zeros")
        'See _name_.relu, _name_ and _name_: _name_.zeros'
    """

    def __init__(self, module_names: Iterable[str]) -> None:
        self.modules = frozenset(_plain(name) for name in module_names)
        several_words = {name for name in self.modules if "_" in name}
        # `this` is a module, too, but the word never means it.
        standard = {name for name in sys.stdlib_module_names if not name.startswith("_")} - {"this"}
        self.words = ALIASES | several_words | standard

    def __call__(self, text: str) -> str:
        """Mask one text and put single spaces between its words."""
        introduced = {alias for alias in _IMPORTED_AS.findall(text) if len(alias) > 1}
        words = self.words | {_plain(alias) for alias in introduced} if introduced else self.words
        text = _BRAND.sub(MASK, " ".join(text.split()))
        text = _LETTER.sub(MASK, _GLUED.sub(" ", text))
        text = _WORD.sub(lambda match: MASK if _plain(match[0]) in words else match[0], text)
        return _RUN.sub(MASK, _PATH.sub(self._shorten, text))

    def mentions(self, text: str) -> list[str]:
        """Hidden names that a text still shows: none, after masking."""
        return _BRAND.findall(text) + [word for word in _WORD.findall(text) if _plain(word) in self.words]

    def _shorten(self, path: re.Match[str]) -> str:
        """Drop the modules that follow the mask in a dotted path."""
        parts = path[0].split(".")
        while len(parts) > 1 and (_plain(parts[1]) in self.modules or parts[1] == MASK):
            del parts[1]
        return ".".join(parts)


def _plain(word: str) -> str:
    return word.strip("_").lower()
