"""The cache as a multiple of the weights, against the tokens that it holds; where it passes them is marked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from figures_src.plots.style import Palette, new_figure
from figures_src.words import Words, numbers

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BEYOND = (0, (1, 1.6))


class Row(NamedTuple):
    """A model's cache at a number of tokens; the crossing is the same in all rows of a model."""

    model: str
    tokens: int
    cache_over_weights: float
    within_limit: bool
    crossing_tokens: int


def draw(rows: Sequence[Row], words: Words, palette: Palette) -> Figure:
    """Draw a line a model, dotted beyond the limit of one sequence, with a mark where cache and weights are equal."""
    figure, [ax] = new_figure(palette, height_points=340)
    first, last = rows[0].tokens, rows[-1].tokens
    ax.axhline(1, color=palette.muted, linewidth=1, linestyle="--")
    ax.text(first * 1.15, 1.12, words("cache_over_weights.equal"), color=palette.muted, va="bottom")
    for name, colour in zip(dict.fromkeys(row.model for row in rows), palette.series, strict=True):
        points = [row for row in rows if row.model == name]
        within = [row for row in points if row.within_limit]
        for part, style in ((within, "-"), (points[max(len(within) - 1, 0) :], BEYOND)):
            shares = [row.cache_over_weights for row in part]
            ax.plot([row.tokens for row in part], shares, linestyle=style, color=colour)
        crossing = points[0].crossing_tokens
        label = name
        if crossing <= last:
            ax.plot([crossing], [1], "o", color=colour)
            label = f"{name}\n{numbers.show(crossing, '', words.language)}"
        ax.text(last * 1.2, points[-1].cache_over_weights, label, color=palette.ink, va="center", clip_on=False)
    ax.set_xscale("log", base=2)
    ax.set_yscale("log")
    thousands = (1, 4, 16, 64, 256)
    ax.set_xticks([k * 1024 for k in thousands], [f"{k}k" for k in thousands])
    ticks = (0.01, 0.1, 1, 10)
    ax.set_yticks(ticks, [numbers.show(tick, "percent", words.language) for tick in ticks])
    ax.minorticks_off()
    ax.set_xlim(first, last)
    ax.set_ylim(0.002, 60)
    ax.set_xlabel(words("cache_over_weights.x"))
    ax.set_ylabel(words("cache_over_weights.y"))
    return figure
