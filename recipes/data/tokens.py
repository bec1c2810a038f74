"""Words to ids: lower-cased words and punctuation marks, those that the training texts use most."""

from collections.abc import Iterable, Iterator

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

PADDING, UNKNOWN = "[PAD]", "[UNK]"


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
