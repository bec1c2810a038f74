"""Hold what was written against the model: the same scores, and how fast."""

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from recipes.data.batches import bucket
from recipes.data.tokens import encode
from recipes.export.formats import Run
from recipes.export.scorer import Scorer, pad_to
from recipes.gate import RunError

TOLERANCE = 1e-4
"""Of the greatest score, or of 1: fp32 sums in another order differ by less."""

TIMED, TIMES = 5, 5
"""Batches that are timed, and how often each."""

Request = tuple[Tensor, Tensor]
"""Ids and lengths."""


@final
@dataclass(frozen=True, kw_only=True)
class Timing:
    """Milliseconds a batch, the median, and their ratio to the model's own."""

    milliseconds: float
    ratio: float


def requests(tokenizer: Tokenizer, texts: Sequence[str], *, max_tokens: int, budget: int) -> list[Request]:
    """Texts in batches of similar length, padded to their longest."""
    ids = [torch.tensor(one, dtype=torch.long) for one in encode(tokenizer, texts, max_tokens=max_tokens)]
    batches = bucket([len(one) for one in ids], budget=budget, seed=0, epoch=0)
    return [
        (pad_sequence([ids[row] for row in rows], batch_first=True), torch.tensor([len(ids[row]) for row in rows]))
        for rows in batches
    ]


@torch.no_grad()
def difference(scorer: Scorer, run: Run, steps: int, batches: Sequence[Request], name: str) -> float:
    """The greatest difference of any score; `run` gets its batches padded to `steps`.

    Raises:
        RunError: it is more than rounding makes.
    """
    greatest = 0.0
    for ids, lengths in batches:
        expected, came = scorer(ids, lengths), run(pad_to(ids, steps), lengths)
        apart = float((came - expected).abs().max()) if came.shape == expected.shape else float("inf")
        if not apart <= TOLERANCE * max(1.0, float(expected.abs().max())):
            raise RunError(
                f"{name} gives other scores than the model: {apart:.3g} apart on {len(lengths)} texts of "
                f"{int(lengths.min())} to {int(lengths.max())} tokens; nothing was written"
            )
        greatest = max(greatest, apart)
    return greatest


@torch.no_grad()
def timing(scorer: Scorer, run: Run, steps: int, batches: Sequence[Request]) -> Timing:
    """Time both on the same batches in turns, each as it wants them padded."""
    own: list[float] = []
    model: list[float] = []
    some = batches[:: -(-len(batches) // TIMED)]
    for _ in range(TIMES):
        for ids, lengths in some:
            padded = pad_to(ids, steps)
            model.append(_seconds(scorer, ids, lengths))
            own.append(_seconds(run, padded, lengths))
    taken = statistics.median(own)
    return Timing(milliseconds=1000 * taken, ratio=taken / statistics.median(model))


def _seconds(run: Run, ids: Tensor, lengths: Tensor) -> float:
    start = time.perf_counter()
    run(ids, lengths)
    return time.perf_counter() - start
