"""How many texts of each length were right: bands of tokens, and how a table writes them."""

from collections.abc import Iterable, Mapping

Bands = Mapping[str, tuple[int, int]]
"""By band, how many were right of how many texts."""

FIRST = 10
"""Tokens below which the first band ends; each further one is as wide as all before it."""


def band(length: int) -> str:
    """The band of a text of so many tokens, its upper end not in it.

    Example:
        >>> band(9), band(10), band(39), band(40)
        ('0-10', '10-20', '20-40', '40-80')
    """
    low, high = 0, FIRST
    while length >= high:
        low, high = high, 2 * high
    return f"{low}-{high}"


def count(lengths: Iterable[int], right: Iterable[bool]) -> Bands:
    """Count texts and right answers by band, shortest first.

    Example:
        >>> count([12, 3, 4], [True, False, True])
        {'0-10': (1, 2), '10-20': (1, 1)}
    """
    found: dict[str, tuple[int, int]] = {}
    for length, good in sorted(zip(lengths, right, strict=True)):
        correct, texts = found.get(band(length), (0, 0))
        found[band(length)] = correct + bool(good), texts + 1
    return found


def written(bands: Bands) -> str:
    """As a table has them.

    Example:
        >>> written({"0-10": (1, 2), "10-20": (1, 1)})
        '0-10:1/2;10-20:1/1'
    """
    return ";".join(f"{name}:{correct}/{texts}" for name, (correct, texts) in bands.items())


def read(text: str) -> Bands:
    """What `written` wrote.

    Raises:
        ValueError: it is not that.

    Example:
        >>> read("0-10:1/2;10-20:1/1"), read("")
        ({'0-10': (1, 2), '10-20': (1, 1)}, {})
    """
    found: dict[str, tuple[int, int]] = {}
    for part in filter(None, text.split(";")):
        name, _, share = part.partition(":")
        correct, _, texts = share.partition("/")
        if not correct.isdecimal() or not texts.isdecimal():
            raise ValueError(f"correct_by_length must read as 0-10:1/2;10-20:1/1, {text!r} came")
        found[name] = int(correct), int(texts)
    return found
