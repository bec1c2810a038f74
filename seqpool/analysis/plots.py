"""Plots of what the analysis finds; the one file here that needs matplotlib."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

try:
    from matplotlib.figure import Figure
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "seqpool.analysis.plots needs matplotlib: pip install 'seqpool[analysis]'", name=error.name
    ) from error

ENOUGH = 30
"""Sequences from which on 1.96 standard errors are 95%, to a twentieth of their width."""


def plot_positions(curves: Mapping[str, Tensor]) -> Figure:
    r"""Draw each model's mean by relative position, with a 95% interval over sequences where there are 30 or more.

    .. math:: \bar y_j \pm 1.96 \, \frac{s_j}{\sqrt B}

    The normal approximation, too narrow for fewer than 30 sequences; their mean has no band.

    Source: this library.

    Args:
        curves: by name, what `by_position` gives; rows of NaN, empty sequences, are left out.

    Shape:
        each `(B, P)`; B and P may differ.

    Raises:
        ValueError: there is no curve, or one is not `(B, P)` or has no sequence in it.

    Example:
        >>> from seqpool.analysis.plots import plot_positions
        >>> figure = plot_positions({"mean": torch.rand(8, 10), "last": torch.rand(8, 10)})
        >>> [line.get_label() for line in figure.axes[0].lines]
        ['mean', 'last']
    """
    if not curves:
        raise ValueError("curves must hold one (B, P) tensor or more, none came: give by_position's results by name")
    figure = Figure(figsize=(6, 3.5), layout="constrained")
    axes = figure.subplots()
    for name, curve in curves.items():
        kept = _sequences(name, curve)
        buckets = kept.shape[1]
        where = [(bucket + 0.5) / buckets for bucket in range(buckets)]
        mean = kept.mean(0)
        (line,) = axes.plot(where, mean.tolist(), label=name)
        if len(kept) >= ENOUGH:
            margin = 1.96 * kept.std(0) / len(kept) ** 0.5
            low, high = (mean - margin).tolist(), (mean + margin).tolist()
            axes.fill_between(where, low, high, color=line.get_color(), alpha=0.2, linewidth=0)
    axes.set(xlim=(0, 1), xlabel="relative position", ylabel="mean over sequences")
    axes.legend(frameon=False)
    return figure


def plot_tokens(tokens: Sequence[str], weights: Tensor) -> Figure:
    r"""Draw the weight of each token of one text as a bar beside it.

    .. math:: token_t \mapsto w_t

    Source: this library.

    Args:
        tokens: the text's tokens, shown as they are.
        weights: their weights, from `attention_saliency`, `gradient_saliency` or `word_importance`; of a padded row
            the real steps alone.

    Shape:
        weights `(n,)`.

    Raises:
        ValueError: there is not one weight a token.

    Example:
        >>> from seqpool.analysis.plots import plot_tokens
        >>> figure = plot_tokens(["a", "fine", "film"], torch.tensor([0.1, 0.7, 0.2]))
        >>> len(figure.axes[0].patches)
        3
    """
    if weights.shape != (len(tokens),):
        raise ValueError(
            f"weights must hold one number a token ({len(tokens)},), shape {tuple(weights.shape)} came: "
            "cut the padding off"
        )
    figure = Figure(figsize=(5, 0.8 + 0.22 * len(tokens)), layout="constrained")
    axes = figure.subplots()
    places = range(len(tokens))
    axes.barh(places, weights.tolist())
    # A token such as $x$ is text, not mathematics.
    axes.set_yticks(places, tokens, parse_math=False)
    axes.invert_yaxis()
    axes.set_xlabel("weight")
    return figure


def _sequences(name: str, curve: Tensor) -> Tensor:
    if curve.dim() != 2:
        raise ValueError(f"curve {name!r} must be (B, P), shape {tuple(curve.shape)} came: keep a row a sequence")
    kept = curve.detach().to("cpu", torch.float64)[~curve.isnan().any(1).cpu()]
    if not len(kept):
        raise ValueError(f"curve {name!r} must hold a sequence that is not empty, none came")
    return kept
