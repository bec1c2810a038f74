"""Words to ids: lower-cased words and punctuation marks, those that the training texts use most."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

PADDING, UNKNOWN = "[PAD]", "[UNK]"

AT_A_TIME = 1_000
"""Texts that are encoded together."""


def train_tokenizer(texts: Iterable[str], *, vocab_size: int) -> Tokenizer:
    """Learn a vocabulary from the training texts; id 0 is padding, id 1 any other word.

    Example:
        >>> tokenizer = train_tokenizer(["A pooler.", "A mean, a maximum."], vocab_size=4)
        >>> tokenizer.encode("a new pooler.").tokens
        ['a', '[UNK]', '[UNK]', '.']
    """
    tokenizer = Tokenizer(models.WordLevel(unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    # Words, single punctuation marks, and the words of an identifier: `batch_first` is three tokens.
    marks = pre_tokenizers.Split(Regex(r"_|[^\w\s]"), behavior="isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Whitespace(), marks])
    trainer = trainers.WordLevelTrainer(vocab_size=vocab_size, special_tokens=[PADDING, UNKNOWN], show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def encode(tokenizer: Tokenizer, texts: Iterable[str], *, max_tokens: int) -> Iterator[list[int]]:
    """The ids of each text's first `max_tokens` tokens; none for an empty text."""
    for encoding in tokenizer.encode_batch(list(texts)):
        yield encoding.ids[:max_tokens]


def encode_rows(
    tokenizer: Tokenizer, rows: Iterable[Mapping[str, Any]], *, max_tokens: int
) -> Iterator[tuple[list[int], int]]:
    """Ids and label of rows of `text` and `label`, some of them in memory at a time."""
    remaining = iter(rows)
    while some := list(islice(remaining, AT_A_TIME)):
        texts = encode(tokenizer, [row["text"] for row in some], max_tokens=max_tokens)
        yield from zip(texts, (row["label"] for row in some), strict=True)
