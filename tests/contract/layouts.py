"""Every layout that the contract runs over."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch

from tests.contract.laying import (
    Laid,
    Rows,
    channels_transposed,
    cut_short,
    expanded,
    flat,
    half_features,
    holes,
    left_padded,
    nested,
    nested_gaps,
    packed_sorted,
    packed_unsorted,
    right_padded,
    time_major,
    time_major_holes,
    unpadded,
)


@dataclass(frozen=True)
class Layout:
    """A way to hand a batch over."""

    lay: Callable[[Rows], Laid]
    fit: Callable[[list[int]], list[int]] = lambda lengths: list(range(len(lengths)))
    """Which sequences, in which order, the layout can hold."""
    states: bool = False
    """Hand the RNN's states over even to a pooler that can do without."""
    shared: bool = False
    """Hand over a view made before."""
    twice: bool = True
    """PyTorch differentiates the container itself twice."""

    def laid_once(self, rows: Rows) -> "Layout":
        """The same places at every call; some layouts draw their holes."""
        laid = self.lay(rows)
        return replace(self, lay=lambda _: laid)


def _nonempty(lengths: list[int]) -> list[int]:
    return [b for b, n in enumerate(lengths) if n]


def _by_length(lengths: list[int]) -> list[int]:
    return sorted(_nonempty(lengths), key=lambda b: -lengths[b])


def _equal(lengths: list[int]) -> list[int]:
    return [b for b, n in enumerate(lengths) if n == max(lengths)]


def _same(lengths: list[int]) -> list[int]:
    return [lengths.index(max(lengths))] * len(lengths) if lengths else []


LAYOUTS = {
    "right_padded": Layout(right_padded),
    "right_padded_h_n": Layout(right_padded, states=True),
    "left_padded": Layout(left_padded),
    "holes": Layout(holes),
    "time_major": Layout(time_major),
    "time_major_holes": Layout(time_major_holes),
    "unpadded": Layout(unpadded, fit=_equal),
    "packed_sorted": Layout(packed_sorted, fit=_by_length),
    "packed_unsorted": Layout(packed_unsorted, fit=_nonempty),
    "packed_sorted_h_n": Layout(packed_sorted, fit=_by_length, states=True),
    "packed_unsorted_h_n": Layout(packed_unsorted, fit=_nonempty, states=True),
    "flat_int32": Layout(flat(torch.int32)),
    "flat_int64": Layout(flat(torch.int64)),
    "nested": Layout(nested, twice=False),
    "nested_gaps": Layout(nested_gaps, twice=False),
    "cut_short": Layout(cut_short),
    "half_features": Layout(half_features),
    "channels_transposed": Layout(channels_transposed),
    "expanded": Layout(expanded, fit=_same),
    "shared": Layout(right_padded, shared=True),
}
